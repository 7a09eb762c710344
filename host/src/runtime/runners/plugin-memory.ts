import { readFileSync } from 'node:fs'

/** What a process holds in memory, in bytes; `undefined` where the system has no /proc, or no such process. */
export function residentBytes(pid: number): number | undefined {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch {
    return undefined
  }
}

/**
 * Looks at a process's memory from time to time. Node's own limit counts JavaScript objects only, and buffers, which hold
 * what comes over the network, are none.
 *
 * @param onTooMuch Called with a phrase for the end of the plugin, once.
 */
export class MemoryWatch {
  readonly #pid: number
  readonly #timer: NodeJS.Timeout
  #bytes: number | undefined

  constructor(pid: number, limitMiB: number, onTooMuch: (cause: string) => void) {
    this.#pid = pid
    this.#timer = setInterval(() => {
      this.#bytes = residentBytes(pid)
      if (this.#bytes === undefined || this.#bytes <= limitMiB * mebibyte) return
      this.close()
      onTooMuch(`ran out of memory: it held ${Math.round(this.#bytes / mebibyte)} MiB of ${limitMiB} MiB allowed`)
    }, lookMs)
    this.#timer.unref()
  }

  get bytes(): number | undefined {
    this.#bytes ??= residentBytes(this.#pid)
    return this.#bytes
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

/**
 * The heap limit that goes with a limit of all memory, so that a full heap is told as such: the rest is for Node itself, some
 * 70 MiB, for young objects, which the limit does not count, and for buffers.
 */
export function heapLimitMiB(limitMiB: number): number {
  return limitMiB - 192
}

const mebibyte = 1024 * 1024
// A look costs some 50 µs. A plugin that fills memory as fast as it can gets about a gibibyte meanwhile.
const lookMs = 250
