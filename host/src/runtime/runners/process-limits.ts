import { writeFileSync } from 'node:fs'

/**
 * What the system should do with a plugin's process. Node cannot call setrlimit or prctl, so these are files of Linux, and
 * best effort: elsewhere nothing happens.
 */
export function limitProcess(pid: number): void {
  // No memory in a core dump: a plugin's memory holds secrets. Programs that it starts inherit it.
  write(`/proc/${pid}/coredump_filter`, '0')
  // When memory runs out, the kernel takes a plugin before the host and before other services.
  write(`/proc/${pid}/oom_score_adj`, '500')
}

/** Ends all processes of a plugin's group: its own, and the programs that it has started, unless they left the group. */
export function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // None of them is there any more.
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch {
    // Not Linux, or the process has ended already.
  }
}
