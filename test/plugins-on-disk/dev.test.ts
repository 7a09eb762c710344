import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { builtFile } from '../contract/testing/built-program.ts'
import { EventList } from '../contract/testing/event-list.ts'

vi.setConfig({ testTimeout: 60_000 })

const exec = promisify(execFile)
const mcm = builtFile('host/bin/mcm.js')
let folder: string
let plugin: string
let host: ChildProcess | undefined
let lines: EventList<string>

beforeEach(() => {
  folder = mkdtempSync('/tmp/mcm-dev-')
  plugin = join(folder, 'plugin')
  for (const name of ['src', 'node_modules']) mkdirSync(join(plugin, name), { recursive: true })
  writeFileSync(join(plugin, 'package.json'), JSON.stringify(manifest))
})

afterEach(async () => {
  if (host && host.exitCode === null) {
    host.kill('SIGINT')
    await once(host, 'exit')
  }
  host = undefined
  rmSync(folder, { recursive: true })
})

const manifest = {
  name: '@acme/built',
  version: '1.0.0',
  type: 'module',
  exports: './dist/index.js',
  scripts: { build: 'node --check src/index.js && mkdir -p dist && cp src/index.js dist/index.js' },
  mcm: { contract: 1, host: '>=0.1.0 <1.0.0', providers: ['Built'] },
}
const env = () => ({ ...process.env, XDG_RUNTIME_DIR: folder, NO_COLOR: '1' })
const logged = (text: string | RegExp) =>
  lines.first((line) => (typeof text === 'string' ? line.includes(text) : text.test(line)))
const save = (text: string) => writeFileSync(join(plugin, 'src/index.js'), text)
const answering = (nodeName: string) => `
export default {
  [Symbol.for('mcm.plugin')]: true,
  contract: 1,
  provider: 'Built',
  providerSpec: { type: 'object', properties: { waitFor: { type: 'string' } } },
  secret: {},
  async createMachine({ spec, machine }, { logger }) {
    logger.info('creating ' + machine.metadata.name)
    while (spec.waitFor && !(await import('node:fs')).existsSync(spec.waitFor)) await new Promise((r) => setTimeout(r, 10))
    return { providerID: 'built:///1', nodeName: '${nodeName}' }
  },
  async deleteMachine() {},
}
`

/** Starts it in the plugin's folder, and waits until it serves. */
async function startDev(...args: string[]) {
  const child = spawn(process.execPath, [mcm, 'dev', ...args], {
    cwd: plugin,
    env: env(),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  host = child
  const own = new EventList<string>()
  lines = own
  for (const input of [child.stdout, child.stderr]) createInterface({ input }).on('line', (line) => own.add(line))
  child.once('close', () => own.end(new Error(`it ended:\n${own.all.join('\n')}`)))
  await logged('serving gRPC on')
}

/** Makes a machine as its author would in a second terminal, and answers the name of its node. */
async function create(name: string, spec: object = {}): Promise<string> {
  const file = join(folder, `${name}.yaml`)
  const metadata = { name, namespace: 'default' }
  // JSON is YAML.
  const docs = [
    {
      apiVersion: 'machine.sapcloud.io/v1alpha1',
      kind: 'MachineClass',
      metadata,
      provider: 'Built',
      providerSpec: spec,
    },
    {
      apiVersion: 'machine.sapcloud.io/v1alpha1',
      kind: 'Machine',
      metadata,
      spec: { class: { kind: 'MachineClass', name } },
    },
  ]
  writeFileSync(file, docs.map((doc) => JSON.stringify(doc)).join('\n---\n'))
  const { stdout } = await exec(process.execPath, [mcm, 'machine', 'create', '-f', file, '-o', 'json'], { env: env() })
  return JSON.parse(stdout)[0].nodeName
}

describe('mcm dev', () => {
  it('builds, serves at the default endpoint, and goes over to what is saved without dropping a call', async () => {
    save(answering('first'))
    await startDev()
    expect(await create('m-1')).toBe('first')

    const gate = join(plugin, 'node_modules', 'gate')
    const running = create('waits', { waitFor: gate })
    await logged('creating waits')
    save(answering('second'))
    await logged(/@acme\/built built and loaded in \d+ ms/)
    expect(await create('m-2')).toBe('second')
    // Nobody watches there, and the plugin may read it.
    writeFileSync(gate, '')
    expect(await running).toBe('first')
  })

  it('shows what is wrong with a build, and goes on with what is there', async () => {
    save(answering('first'))
    await startDev()
    save('export default {')
    await logged('SyntaxError')
    await logged('the build failed; what was loaded before goes on serving')
    expect(await create('m-1')).toBe('first')
    // A build that succeeds, of something that is no plugin.
    save('export default {}')
    await logged(/@acme\/built cannot be loaded; what was loaded before goes on serving: /)
    expect(await create('m-2')).toBe('first')
    save(answering('second'))
    await logged('built and loaded in')
    expect(await create('m-3')).toBe('second')
  })

  it('starts with a plugin that cannot be built yet', async () => {
    save('export default {')
    await startDev()
    await logged('the build failed; save a file of')
    save(answering('first'))
    await logged('built and loaded in')
    expect(await create('m-1')).toBe('first')
  })

  it('keeps the sandbox, warns of what is not good, and lets a debugger in when asked', async () => {
    save(`globalThis.fetch = () => {}\n${answering('first')}`)
    await startDev('--inspect', '39229')
    await logged('a debugger may attach at 127.0.0.1:39229')
    await logged('Debugger listening on ws://127.0.0.1:39229/')
    await logged('lint: it replaces fetch')
    const targets = await (await fetch('http://127.0.0.1:39229/json/list')).json()
    expect(targets).toMatchObject([{ type: 'node', url: expect.stringContaining('plugin-process.js') }])
    await expect(create('m-1', { waitFor: '/etc/hostname' })).rejects.toThrow()
    // The next version has a debugger too, beside the old one until that has ended.
    save(answering('second'))
    await logged('built and loaded in')
    expect(await create('m-2')).toBe('second')
    await lines.first((line) => line.includes('Debugger listening on') && line.includes(':39230/'))
  })

  it('stops at a breakpoint in the plugin, shows what is there, and answers the call afterwards', async () => {
    save(answering('first'))
    await startDev('--inspect', '39329')
    await logged(/the sandbox is on, .* fails with ERR_ACCESS_DENIED/)
    await logged('Debugger listening on ws://127.0.0.1:39329/')
    const targets = await fetch('http://127.0.0.1:39329/json/list')
    const [target] = (await targets.json()) as [{ webSocketDebuggerUrl: string }]
    await using debug = await attachDebugger(target.webSocketDebuggerUrl)
    await debug.send('Debugger.enable')
    const lineNumber = answering('first')
      .split('\n')
      .findIndex((line) => line.includes('return {'))
    const at = { urlRegex: 'dist/index\\.js$', lineNumber }
    const { locations } = await debug.send('Debugger.setBreakpointByUrl', at)
    expect(locations).toHaveLength(1)
    const created = create('m-1')
    const { callFrames } = await debug.event('Debugger.paused')
    const [top] = callFrames ?? []
    expect(top?.functionName).toBe('createMachine')
    const { result } = await debug.send('Debugger.evaluateOnCallFrame', {
      callFrameId: top?.callFrameId,
      expression: 'machine.metadata.name',
    })
    expect(result?.value).toBe('m-1')
    await debug.send('Debugger.resume')
    expect(await created).toBe('first')
    expect(lines.all.filter((line) => line.includes('lint:'))).toEqual([])
  })

  it('says what is missing', async () => {
    const failed = exec(process.execPath, [mcm, 'dev', folder], { env: env() })
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: `no plugin to work on: cannot read ${folder}/package.json: ENOENT: no such file or directory, open '${folder}/package.json'\n`,
    })
  })
})

/** A message of the inspector's protocol, as far as these tests look into it. */
interface InspectorMessage {
  id?: number
  method?: string
  error?: { message: string }
  result?: InspectorFacts
  params?: InspectorFacts
}

interface InspectorFacts {
  locations?: unknown[]
  callFrames?: { functionName: string; callFrameId: string }[]
  result?: { value?: unknown }
}

/** A client of Node's inspector. */
async function attachDebugger(url: string) {
  const socket = new WebSocket(url)
  const messages = new EventList<InspectorMessage>()
  socket.addEventListener('message', ({ data }) => messages.add(JSON.parse(data)))
  socket.addEventListener('close', () => messages.end(new Error('the debugger was cut off')))
  await once(socket, 'open')
  let lastId = 0
  return {
    async send(method: string, params: object = {}) {
      const id = ++lastId
      socket.send(JSON.stringify({ id, method, params }))
      const { result, error } = await messages.first((message) => message.id === id)
      if (error) throw new Error(`${method}: ${error.message}`)
      return result ?? {}
    },
    async event(method: string) {
      return (await messages.first((message) => message.method === method)).params ?? {}
    },
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}
