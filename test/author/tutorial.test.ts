import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { EventList } from '../contract/testing/event-list.ts'
import { run } from '../env/run.ts'
import { startVerdaccio, type Verdaccio } from '../env/verdaccio.ts'

// The tutorial's own commands, in their order, in an empty folder: packages come from a registry, as for everybody.

const root = fileURLToPath(new URL('../../', import.meta.url))
const tutorial = readFileSync(join(root, 'docs/plugin-author/tutorial.md'), 'utf8')
const blocks = [...tutorial.matchAll(/^```sh( background)?\n([\s\S]*?)^```/gm)].map(([, background, text = '']) => ({
  isBackground: background !== undefined,
  commands: text.trim().split('\n'),
}))
const signal = new AbortController().signal
// Short: sockets have short names.
const folder = mkdtempSync('/tmp/mcm-author-')
const background: { child: ChildProcess; lines: EventList<string> }[] = []
let registry: Verdaccio
let env: Record<string, string>
let cwd = folder

beforeAll(async () => {
  registry = await startVerdaccio({ signal, log: (line) => console.log(line) })
  // What npm is told on this machine, such as where its mirror is, still holds.
  const usual = await run('npm', ['config', 'get', 'userconfig'], { signal, cwd: folder })
  const npmrc = join(folder, '.npmrc')
  const own = await readFile(usual.stdout.trim(), 'utf8').catch(() => '')
  await writeFile(npmrc, `${own}\n${registry.npmrc('@mcm', '@acme')}`)
  env = {
    npm_config_userconfig: npmrc,
    // The project's Node, and nothing else of the project.
    PATH: [dirname(process.execPath), ...foreignPath()].join(delimiter),
    npm_config_cache: join(folder, 'cache'),
    // Nobody is there to be asked whether npm may fetch what it is to run.
    npm_config_yes: 'true',
    npm_config_workspaces: '',
    npm_config_update_notifier: 'false',
    XDG_RUNTIME_DIR: folder,
    XDG_DATA_HOME: folder,
    TMPDIR: folder,
    NO_COLOR: '1',
  }
  for (const name of ['sdk', 'sdk/create', 'host'])
    await run('npm', ['publish', `./${name}`], { signal, cwd: root, env })
})

afterAll(async () => {
  for (const { child } of background) {
    await interrupt(child)
  }
  await registry?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

for (const { isBackground, commands } of blocks) {
  for (const command of commands) {
    it(command, async () => {
      if (isBackground) return await startInBackground(command)
      const { stdout } = await sh(`${command} && pwd`)
      cwd = stdout.trimEnd().split('\n').at(-1) ?? cwd
    })
  }
}

it('has a host for developers that goes over to what is saved', async () => {
  const source = join(folder, 'my-cloud/src/index.ts')
  const text = await readFile(source, 'utf8')
  const lines = background[1]?.lines
  await writeFile(source, text.replace('has no VM in cluster', 'is nowhere in cluster'))
  await lines?.first((line) => line.includes('@acme/plugin-my-cloud built and loaded in'))
  const status = await run('npx', ['mcm', 'machine', 'status', '-f', '../my-cloud/kubernetes'], {
    signal,
    cwd,
    env,
    okCodes: [1],
  })
  expect(status.stderr).toContain('worker-1: NotFound: worker-1 is nowhere in cluster demo')
})

it('has a host that serves the published plugin', async () => {
  const { stdout } = await sh('npx mcm plugin list --local -o json')
  expect(JSON.parse(stdout)).toMatchObject([
    { name: '@acme/plugin-my-cloud', version: '0.1.0', providers: ['my-cloud'], state: 'PLUGIN_STATE_READY' },
  ])
  const [cloud, host] = background
  // The developer's host makes room; the cloud stays.
  if (!cloud || !host) throw new Error('both were started before')
  await interrupt(host.child)
  await startInBackground('npx mcm serve')
  const made = await sh('npx mcm machine create -f ../my-cloud/kubernetes -o json')
  expect(JSON.parse(made.stdout)).toMatchObject([
    { name: 'worker-1', result: 'created', providerID: expect.stringMatching(/^my-cloud:\/\/\/[0-9a-f-]{36}$/) },
  ])
})

it('tells a debugger which source a built file is of', async () => {
  const built = await readFile(join(folder, 'my-cloud/dist/index.js'), 'utf8')
  const [, map = ''] = built.match(/^\/\/# sourceMappingURL=data:application\/json;base64,(.+)/m) ?? []
  expect(JSON.parse(Buffer.from(map, 'base64').toString()).sources).toEqual(['../src/index.ts'])
})

it('publishes what is built, without the tests and their cloud', async () => {
  const { stdout } = await sh('ls node_modules/@acme/plugin-my-cloud/dist')
  expect(stdout.trim().split('\n')).toEqual(['errors.js', 'index.js', 'provider-spec.js'])
})

const sh = async (command: string) => await run('sh', ['-c', command], { signal, cwd, env, deadlineMs: 240_000 })

/** npx hands no signal on; the group gets it, as in a terminal. */
async function interrupt(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  process.kill(-child.pid, 'SIGINT')
  await once(child, 'exit')
}

async function startInBackground(command: string): Promise<void> {
  const child = spawn('sh', ['-c', command], { cwd, env: { ...process.env, ...env }, detached: true })
  const lines = new EventList<string>()
  background.push({ child, lines })
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => lines.add(line))
  child.once('close', () => lines.end(new Error(`it ended:\n${lines.all.join('\n')}`)))
  await lines.first((line) => /serving gRPC on|a cloud on/.test(line))
}

function foreignPath(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter((path) => !path.startsWith(root))
}
