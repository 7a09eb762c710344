import { type MachineClass, MachineError, type Violation } from '@mcm/sdk'
import { type Command, Option } from 'commander'
import type { Services } from '../contract/grpc-server.ts'
import { CliError } from './cli-error.ts'
import { type LocalOptions, withLocalHost, withLocalOptions } from './local-host.ts'
import { type Located, type Manifests, missingSecrets, readManifests, secretOf } from './manifests.ts'
import { type OutputFormat, render } from './output.ts'

/** `mcm validate`: checks MachineClasses against the schemas of the installed plugins, without a host or a cloud. */
export function addValidateCommand(program: Command): void {
  const collect = (value: string, previous: string[] = []) => [...previous, value]
  withLocalOptions(program.command('validate'))
    .description('check MachineClasses, and their Secrets when they are in the files, offline')
    .requiredOption('-f, --filename <path>', 'file, folder or - (repeatable)', collect)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(['table', 'json', 'yaml']).default('table'))
    .action(async (options: ValidateOptions) => await validate(options))
}

type ValidateOptions = LocalOptions & { filename: string[]; output: OutputFormat }

/** One problem, and where it stands. */
interface Problem extends Violation {
  file: string
  line: number
  machineClass: string
}

async function validate(options: ValidateOptions): Promise<void> {
  const manifests = await readManifests(options.filename)
  if (manifests.classes.length === 0) throw new CliError(`no MachineClass in ${options.filename.join(', ')}`)
  const problems = await withLocalHost(options, async (services) => {
    const found = await Promise.all(manifests.classes.map((located) => check(services, located, manifests)))
    // As they stand in the files, so that they can be worked off from top to bottom.
    const order = [...new Set(manifests.classes.map(({ file }) => file))]
    return found.flat().sort((a, b) => order.indexOf(a.file) - order.indexOf(b.file) || a.line - b.line)
  })
  if (options.output !== 'table') console.log(render(problems, [], options.output))
  else {
    for (const { file, line, path, message } of problems) {
      // Not about a field alone: the message is a whole sentence.
      const isSentence = path === '' || path === 'provider'
      console.log(`${file}:${line}: ${isSentence ? message : `${path} ${message}`}`)
    }
    const valid = manifests.classes.filter(({ object, file }) => {
      return !problems.some((problem) => problem.file === file && problem.machineClass === object.metadata.name)
    })
    for (const { object, file } of valid) console.log(`${file}: MachineClass ${object.metadata.name} is valid`)
  }
  if (problems.length > 0) process.exitCode = 1
}

async function check({ driver }: Services, located: Located<MachineClass>, manifests: Manifests): Promise<Problem[]> {
  const { object, file, lineOf } = located
  // Classes are often checked without their Secrets, which live elsewhere.
  const missing = manifests.secrets.length === 0 ? [] : missingSecrets(located, manifests)
  const secret = manifests.secrets.length === 0 || missing.length > 0 ? undefined : secretOf(located, manifests)
  const problem = ({ path, message }: Violation): Problem => {
    // The Secret may be in any file; the class says which it is.
    const line = lineOf(path.startsWith('secret.') ? 'secretRef' : path)
    return { file, line, machineClass: object.metadata.name, path, message }
  }
  try {
    const { violations } = await driver.validateMachineClass({ machineClass: object, ...(secret && { secret }) })
    return [...missing, ...violations].map(problem)
  } catch (thrown) {
    const { code, message } = MachineError.from(thrown)
    const path = code === 'InvalidArgument' ? 'provider' : ''
    return [...missing, { path, message }].map(problem)
  }
}
