import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** A process, told from a later one with the same id by the time at which it started. */
export interface ProcessId {
  readonly pid: number
  /** In clock ticks since boot. */
  readonly startTime: string
}

export interface FoundProcess extends ProcessId {
  /** The program and its arguments. */
  readonly commandLine: readonly string[]
}

/** The identity of a running process; undefined when there is none, or only its remains. */
export async function identify(pid: number): Promise<ProcessId | undefined> {
  const text = await readProc(pid, 'stat')
  // The name in parentheses may hold anything; the fields after the last one are state (3) to start time (22).
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state] = fields ?? []
  const startTime = fields?.[19]
  // A zombie has ended; it only waits for its parent to take notice.
  return startTime === undefined || state === 'Z' || state === 'X' ? undefined : { pid, startTime }
}

export async function isAlive(id: ProcessId): Promise<boolean> {
  return (await identify(id.pid))?.startTime === id.startTime
}

/** The running processes whose program and arguments pass the test. */
export async function findProcesses(test: (commandLine: readonly string[]) => boolean): Promise<FoundProcess[]> {
  const found: FoundProcess[] = []
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const commandLine = (await readProc(pid, 'cmdline'))?.split('\0').slice(0, -1) ?? []
    const id = test(commandLine) ? await identify(pid) : undefined
    if (id !== undefined) found.push({ ...id, commandLine })
  }
  return found
}

/** Kills a process at once, unless its id belongs to another one by now. */
export async function killHard(id: ProcessId): Promise<void> {
  if (!(await isAlive(id))) return
  try {
    process.kill(id.pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Waits until none of the processes runs. False when some still do at the deadline. */
export async function waitUntilGone(ids: readonly ProcessId[], deadlineMs: number): Promise<boolean> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const alive = await Promise.all(ids.map(isAlive))
    if (!alive.includes(true)) return true
    if (performance.now() > deadline) return false
    // There is no event for the end of a process that isn't our child.
    await sleep(10)
  }
}

async function readProc(pid: number, file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // It ended meanwhile, or the system hides it from us; either way it is none that we started.
    return undefined
  }
}
