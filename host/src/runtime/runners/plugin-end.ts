import type { ChildProcess } from 'node:child_process'
import { explainDenial } from '../explain-denial.ts'
import type { PluginEnd } from '../runner.ts'

/** What is known of the end of a process. */
export interface ProcessEnd {
  child: Pick<ChildProcess, 'exitCode' | 'signalCode'>
  lastLines: readonly string[]
  /** Why the host has killed it. */
  killCause?: string | undefined
  /** Why there was no process. */
  startError?: Error | undefined
  /** Limit of the heap, if Node has said that it was reached. */
  reachedHeapMiB?: number | undefined
}

/** Says how a process ended, in words for whoever has to do something about it. */
export function endOf(end: ProcessEnd): PluginEnd {
  const { child, killCause, startError, reachedHeapMiB } = end
  const lastLines = end.lastLines.map(explainDenial)
  if (killCause !== undefined) return { cause: killCause, lastLines }
  if (startError) return { cause: `could not be started: ${startError.message}`, lastLines }
  const isAbort = child.signalCode === 'SIGABRT' || child.exitCode === 134
  if (isAbort && reachedHeapMiB !== undefined) {
    return { cause: `ran out of memory: its heap reached the limit of ${reachedHeapMiB} MiB`, lastLines: [] }
  }
  if (child.signalCode) return { cause: `was ended by ${child.signalCode}`, lastLines }
  // A clean exit needs no explanation.
  if (child.exitCode === 0) return { cause: 'exited with code 0', lastLines: [] }
  return { cause: `exited with code ${child.exitCode}`, lastLines }
}
