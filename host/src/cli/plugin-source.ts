import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, normalize, sep } from 'node:path'
import { sleep, untilAborted } from '@mcm/sdk'
import { entryOf } from '../plugins/read-plugin.ts'
import { CliError } from './cli-error.ts'

/** The folder in which an author works on a plugin. */
export class PluginSource {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /**
   * Builds the plugin with its own `npm run build`, whose output goes where the host's goes. A plugin without such a script
   * needs no build.
   *
   * @returns Whether it is built.
   */
  async build(signal: AbortSignal): Promise<boolean> {
    const { scripts } = await this.#packageJson()
    if (scripts?.build === undefined) return true
    const child = spawn('npm', ['run', '--silent', 'build'], {
      cwd: this.#folder,
      // Not stdout, which is for what the host tells scripts.
      stdio: ['ignore', process.stderr, process.stderr],
      signal,
    })
    const [code] = await once(child, 'exit')
    return code === 0
  }

  /**
   * Watches from now on for saves, until the signal aborts. What is returned yields once for all that come at a time, and
   * once for all that come while its user is busy.
   */
  async watch(signal: AbortSignal): Promise<AsyncGenerator<void>> {
    const built = await this.#builtFolder()
    const isOurs = (path: string) => {
      const [top = ''] = path.split(sep)
      return top !== built && !path.split(sep).some((part) => part === 'node_modules' || part.startsWith('.'))
    }
    let saved = Promise.withResolvers<void>()
    const watcher = watch(this.#folder, { recursive: true, persistent: false, signal, ignore: (path) => !isOurs(path) })
    watcher.on('change', () => saved.resolve())
    watcher.on('error', (error) => saved.reject(error))
    // Whoever waits for it sees it.
    saved.promise.catch(() => {})
    const saves = async function* () {
      while (true) {
        await untilAborted(saved.promise, signal)
        // An editor writes more than once, and a checkout many files.
        await sleep(settleMs, signal)
        saved = Promise.withResolvers<void>()
        yield
      }
    }
    return saves()
  }

  /** Where the build writes: what happens there is nobody's save. */
  async #builtFolder(): Promise<string | undefined> {
    const json = await this.#packageJson()
    if (json.scripts?.build === undefined) return undefined
    const [top, ...rest] = normalize(entryOf(json)).split(sep)
    return rest.length > 0 ? top : undefined
  }

  async #packageJson(): Promise<{ scripts?: Record<string, string>; exports?: unknown; main?: string }> {
    const file = join(this.#folder, 'package.json')
    try {
      return JSON.parse(await readFile(file, 'utf8'))
    } catch (error) {
      throw new CliError(`no plugin to work on: cannot read ${file}: ${(error as Error).message}`)
    }
  }
}

const settleMs = 100
