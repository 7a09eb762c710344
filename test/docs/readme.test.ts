import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startRegistry, type TinyRegistry } from '../install/testing/tiny-registry.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
const blocks = [
  ...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```sh( background)?\n([\s\S]*?)^```/gm),
].map(([, background, text = '']) => ({ isBackground: background !== undefined, lines: text.trim().split('\n') }))
const lines = blocks.flatMap(({ lines }) => lines)

describe('the README', () => {
  it('starts with two commands to run it and one to test it', () => {
    expect(lines.slice(0, 3)).toEqual(['npm ci', 'npm run quickstart', 'npm ci && npm test'])
  })

  it('is tested by CI with the very command that it names', () => {
    const ci = readFileSync(join(root, '.ci/run'), 'utf8').split('\n')
    expect(ci).toEqual(expect.arrayContaining(['npm ci', 'npm test', 'npm run test:vm']))
  })

  it('names only npm scripts that exist', () => {
    const named = lines.flatMap((line) => [...line.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name))
    expect(named.filter((name) => !scripts[name])).toEqual([])
  })
})

// The commands for users, in their order, with a host, sockets and a simulated cloud of their own. The quick start is
// run by test/vm, the others by CI.
describe('the commands of the README', () => {
  const folder = mkdtempSync('/tmp/mcm-readme-')
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    XDG_RUNTIME_DIR: folder,
    XDG_DATA_HOME: folder,
    TMPDIR: folder,
    npm_config_cache: join(folder, 'cache'),
  }
  let registry: TinyRegistry
  const background: ChildProcess[] = []
  let port = 0

  beforeAll(async () => {
    port = await freePort()
    // What the SDK needs, from this workspace: no test depends on a network.
    registry = await startRegistry()
    const sdk = JSON.parse(readFileSync(join(root, 'sdk/package.json'), 'utf8')) as { dependencies: object }
    for (const name of Object.keys(sdk.dependencies)) await registry.publish(filesOf(join(root, 'node_modules', name)))
    env.npm_config_registry = registry.url
  })
  afterAll(async () => {
    await registry[Symbol.asyncDispose]()
    for (const child of background) {
      // npx hands no signal on; the group gets it as in a terminal.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT')
      if (child.exitCode === null) await once(child, 'exit')
    }
    rmSync(folder, { recursive: true })
  })

  const start = (command: string) => {
    const own = command
      .replace('127.0.0.1:8080', `127.0.0.1:${port}`)
      .replace('/tmp/mcm-plugins', join(folder, 'plugins'))
    return spawn('sh', ['-c', own], { cwd: root, env, detached: true })
  }

  for (const { isBackground, lines: commands } of blocks) {
    for (const command of commands) {
      if (/^npm /.test(command)) continue
      it(command, async () => {
        const child = start(command)
        const output: string[] = []
        for (const stream of [child.stdout, child.stderr])
          stream.on('data', (text: Buffer) => output.push(text.toString()))
        if (!isBackground) {
          const [code] = await once(child, 'exit')
          expect({ code, output: output.join('') }).toMatchObject({ code: 0 })
          return
        }
        background.push(child)
        await new Promise<void>((resolve, reject) => {
          child.stdout.on('data', () => output.join('').includes('serving HTTP') && resolve())
          child.once('exit', () => reject(new Error(`it ended: ${output.join('')}`)))
        })
      }, 30_000)
    }
  }
})

/** The files of an installed package. */
function filesOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = files.map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address ? address.port : 0
}
