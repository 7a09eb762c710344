import { readFileSync } from 'node:fs'

/** Bytes of memory that a process holds. From Linux' own books, which need no disk; elsewhere `undefined`. */
export function residentMemory(pid: number | undefined): number | undefined {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch {
    // It may have ended.
    return undefined
  }
}
