import type { ChildProcess } from 'node:child_process'
import { serialize } from 'node:v8'
import type { HostMessage } from '../messages.ts'

/**
 * Sends to a child process, and bounds what waits in the host's memory when the child does not read. Never throws for a
 * channel that is closed: the end of the process, which follows, explains it better.
 */
export class BoundedSender {
  readonly #child: ChildProcess
  readonly #onTooMuch: (cause: string) => void
  #waitingBytes = 0

  /** @param onTooMuch Called with a phrase for the end of the plugin. */
  constructor(child: ChildProcess, onTooMuch: (cause: string) => void) {
    this.#child = child
    this.#onTooMuch = onTooMuch
  }

  send(message: HostMessage): void {
    if (!this.#child.connected) return
    let bytes = 0
    const isFlowing = this.#child.send(message, () => {
      this.#waitingBytes -= bytes
    })
    // Measured only while the channel is backed up, which costs nothing as long as the child reads.
    if (isFlowing) return
    bytes = serialize(message).byteLength
    this.#waitingBytes += bytes
    if (this.#waitingBytes > maxWaitingBytes) {
      const held = Math.round(this.#waitingBytes / 1024 / 1024)
      this.#onTooMuch(`does not read its messages: ${held} MiB were waiting for it`)
    }
  }
}

// Sixteen of the largest requests that the host takes by default. A plugin whose event loop is stuck is noticed earlier.
const maxWaitingBytes = 256 * 1024 * 1024
