import { execFileSync } from 'node:child_process'
import { relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { askForNames } from './ask.ts'
import { defaultNames, type Names, problemOf } from './names.ts'
import { WriteError, writePlugin } from './write-plugin.ts'

/** The program `npm create @mcm/plugin`. @returns Its exit status. */
export async function main(args: string[]): Promise<number> {
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options })
    if (values.help) return say(help)
    const [cloud, ...rest] = positionals
    if (rest.length > 0) throw new WriteError(`one name is enough; there is also ${rest.join(' ')}`)
    const given = known({ cloud, package: values.package, provider: values.provider, author: values.author })
    // Before anybody is asked: what is wrong already stays wrong.
    check(given)
    const isAsked = !values.yes && process.stdin.isTTY && process.stdout.isTTY
    if (!isAsked && cloud === undefined) throw new WriteError(`the name of the cloud is missing\n\n${help}`)
    const names: Names = isAsked
      ? await askForNames({ input: process.stdin, output: process.stdout }, given, gitUser())
      : { ...defaultNames(cloud ?? '', gitUser()), ...given }
    check(names)
    const folder = resolve(values.folder ?? names.cloud)
    const files = await writePlugin(folder, names)
    const place = relative('', folder) || '.'
    return say(
      `${place} has a plugin for provider ${names.provider}, in ${files.length} files. It works:\n\n${next(place)}`,
    )
  } catch (error) {
    console.error((error as Error).message)
    return 1
  }
}

const options = {
  package: { type: 'string' },
  provider: { type: 'string' },
  author: { type: 'string' },
  folder: { type: 'string' },
  yes: { type: 'boolean', short: 'y' },
  help: { type: 'boolean', short: 'h' },
} as const

const help = `npm create @mcm/plugin <name> -- [options]: starts a plugin for a cloud, such as my-cloud

  --package <name>    of the npm package; default: mcm-plugin-<name>
  --provider <name>   what MachineClass.provider says; default: <name>
  --author <name>     who holds the copyright; default: as git knows you
  --folder <path>     where; must be empty; default: ./<name>
  -y, --yes           ask nothing, take the defaults`

const next = (place: string) => `${place === '.' ? '' : `  cd ${place}\n`}  npm install
  npm test
  npx mcm-conformance

README.md says what is where.`

/** What was given, without what was not. */
function known(names: { [Key in keyof Names]: string | undefined }): Partial<Names> {
  return Object.fromEntries(Object.entries(names).filter(([, name]) => name !== undefined))
}

function check(names: Partial<Names>): void {
  const problems = (Object.keys(problemOf) as (keyof Names)[]).flatMap((key) => {
    const name = names[key]
    return name === undefined ? [] : (problemOf[key](name) ?? [])
  })
  if (problems.length > 0) throw new WriteError([...problems, 'nothing was written'].join('\n'))
}

/** As git signs commits; `undefined` without git, or a name. */
function gitUser(): string | undefined {
  try {
    return (
      execFileSync('git', ['config', 'user.name'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim() ||
      undefined
    )
  } catch {
    return undefined
  }
}

function say(text: string): number {
  console.log(text)
  return 0
}
