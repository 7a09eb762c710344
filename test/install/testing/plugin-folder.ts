import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { builtFile } from '../../contract/testing/built-program.ts'
import type { Files } from './tiny-registry.ts'

/** The files of a plugin that needs nothing but, where `dependencies` say so, its dependencies. */
export function acme({ mcm = {}, ...json }: { mcm?: object; [key: string]: unknown } = {}): Files {
  const manifest = {
    name: '@acme/plugin',
    version: '1.0.0',
    type: 'module',
    exports: './index.js',
    mcm: { contract: 1, host: '>=0.1.0 <1.0.0', providers: ['Acme'], ...mcm },
    ...json,
  }
  return { 'package.json': JSON.stringify(manifest), 'index.js': source(manifest.mcm.providers[0] ?? '') }
}

// Recognised by its brand, like any plugin, so a test needs no SDK in its registry.
const source = (provider: string) => `
export default {
  [Symbol.for('mcm.plugin')]: true,
  contract: 1,
  provider: ${JSON.stringify(provider)},
  providerSpec: { type: 'object' },
  secret: {},
  createMachine: async () => ({ providerID: 'acme:///1', nodeName: 'n' }),
  deleteMachine: async () => {},
}
`

export interface Result {
  code: number | null
  stdout: string
  stderr: string
}

/** A place with a plugin folder, and a user whose npm knows nobody but one registry. */
export interface Place extends AsyncDisposable {
  path: string
  plugins: string
  start(...args: string[]): ChildProcess
  mcm(...args: string[]): Promise<Result>
  write(folder: string, files: Files): Promise<string>
  /** All files in the plugin folder with their contents, but for those that locks leave for a moment. */
  snapshot(): Promise<Record<string, string>>
  lock(): Promise<{ plugins: Record<string, Record<string, unknown>> }>
}

export async function makePlace(registry = 'http://127.0.0.1:9'): Promise<Place> {
  const path = await mkdtemp(join(tmpdir(), 'mcm-place-'))
  const plugins = join(path, 'data/mcm/plugins')
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: path,
    TMPDIR: path,
    XDG_DATA_HOME: join(path, 'data'),
    XDG_RUNTIME_DIR: join(path, 'run'),
    npm_config_registry: registry,
    npm_config_cache: join(path, 'cache'),
    npm_config_fetch_retries: '0',
  }
  const start = (...args: string[]) =>
    spawn(process.execPath, [builtFile('host/bin/mcm.js'), ...args], {
      cwd: path,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const write = async (folder: string, files: Files) => {
    for (const [name, text] of Object.entries(files)) {
      const file = join(path, folder, name)
      await mkdir(dirname(file), { recursive: true })
      await writeFile(file, text)
    }
    return join(path, folder)
  }
  return {
    path,
    plugins,
    start,
    write,
    async mcm(...args) {
      const child = start(...args)
      const output = { stdout: '', stderr: '' }
      child.stdout?.on('data', (chunk) => {
        output.stdout += chunk
      })
      child.stderr?.on('data', (chunk) => {
        output.stderr += chunk
      })
      const [code] = await once(child, 'close')
      return { code, ...output }
    },
    async snapshot() {
      const entries = await readdir(plugins, { recursive: true, withFileTypes: true }).catch(() => [])
      const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
      const texts = files.sort().map(async (file) => [file.slice(plugins.length + 1), await readFile(file, 'utf8')])
      return Object.fromEntries(await Promise.all(texts))
    },
    async lock() {
      return JSON.parse(await readFile(join(plugins, 'mcm-plugins.lock.json'), 'utf8'))
    },
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
