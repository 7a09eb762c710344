import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { InstallError } from './install-error.ts'
import type { PluginFolder } from './plugin-folder.ts'

/**
 * Takes the one place for whoever changes a plugin folder; it ends with the returned object, or with the process.
 *
 * Everybody puts a file of their own beside the others and then looks around: of two at once, the later one sees the
 * earlier. So there is no file to take over, and none can be taken over twice. All that is known of a holder is in the
 * file's name, which appears at once and complete. What dead processes left is removed.
 */
export async function lockFolder({ path }: PluginFolder, signal: AbortSignal): Promise<AsyncDisposable> {
  const folder = join(path, '.locks')
  await mkdir(folder, { recursive: true })
  for (let attempt = 1; ; attempt++) {
    const mine = `${hostname()},${process.pid},${await startTime(process.pid)},${randomUUID().slice(0, 8)}`
    await writeFile(join(folder, mine), '', { flag: 'wx' })
    const release = async () => await rm(join(folder, mine), { force: true })
    const other = await otherHolder(folder, mine).catch(async (error) => {
      await release()
      throw error
    })
    if (other === undefined) return { [Symbol.asyncDispose]: release }
    await release()
    if (attempt === attempts) {
      const [host, pid] = other.split(',')
      const where = host === hostname() ? `process ${pid}` : `process ${pid} on ${host}`
      const foreign = host === hostname() ? '' : `; if it is gone, remove ${join(folder, other)}`
      throw new InstallError(
        `another mcm (${where}) is changing the plugins in ${path}; try again when it has ended${foreign}`,
      )
    }
    // Two that came at the same moment may both have stepped back; chance decides who comes first now.
    await sleep(20 + Math.random() * 100, undefined, { signal })
  }
}

const attempts = 5

async function otherHolder(folder: string, mine: string): Promise<string | undefined> {
  for (const name of await readdir(folder)) {
    if (name === mine) continue
    if (await isAlive(name)) return name
    await rm(join(folder, name), { force: true })
  }
  return undefined
}

/** Whether a holder still runs. One on another machine cannot be asked, so it counts. */
async function isAlive(name: string): Promise<boolean> {
  const [host, pid = '', started] = name.split(',')
  if (host !== hostname()) return true
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  // The number may have gone to another process since.
  return (await startTime(Number(pid))) === started
}

/** When a process started, where the system says so. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // Field 22. The second one is the program's name, which may hold blanks and parentheses.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'unknown'
}
