// First step of the quick start, on whatever Node runs npm: makes sure that the project's own Node works, and hands
// over to it. On a minimal Debian it lacks one library.
import { spawn, spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const node = join(here, '../../node_modules/.bin/node')
const args = process.argv.slice(2)

const problem = (() => {
  const { status, stderr, error } = spawnSync(node, ['--version'], { encoding: 'utf8' })
  return status === 0 ? undefined : `${stderr ?? ''}${error?.message ?? ''}`.trim()
})()
if (problem?.includes('libatomic')) await installLibatomic()
else if (problem !== undefined) fail(`The project's Node (${node}) does not start: ${problem}\nRun "npm ci" first.`)

// Ctrl-C reaches the other process by itself, which cleans up; this one only passes its end on.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {})
const child = spawn(node, [join(here, 'main.ts'), ...args], { stdio: 'inherit' })
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))

async function installLibatomic() {
  const command = ['apt-get', 'install', '-y', '--no-install-recommends', 'libatomic1']
  if (process.getuid?.() !== 0) command.unshift('sudo')
  const text = command.join(' ')
  if (!args.includes('--yes')) {
    if (!process.stdin.isTTY)
      fail(`The project's Node needs the library libatomic1. Install it (${text}), or add --yes.`)
    const readline = createInterface({ input: process.stdin, output: process.stdout })
    const answer = await readline.question(`The project's Node needs the library libatomic1. Run "${text}"? [Y/n] `)
    readline.close()
    if (!/^(y(es)?)?$/i.test(answer.trim())) fail('Nothing was installed, as you asked.')
  }
  const [program, ...rest] = command
  const install = () => spawnSync(program, rest, { stdio: 'inherit' }).status === 0
  const update = () => spawnSync(program, [...rest.slice(0, rest.indexOf('install')), 'update'], { stdio: 'inherit' })
  if (install()) return
  // The package lists of a fresh machine are empty.
  update()
  if (!install()) fail(`libatomic1 could not be installed. Install it for your system, then try again.`)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
