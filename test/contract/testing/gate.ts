import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventList } from './event-list.ts'

/** A place where fixture plugins wait until the test lets them go. */
export interface Gate extends AsyncDisposable {
  /** What `providerSpec.gate` is set to. */
  path: string
  /** Resolves when so many calls have come to the gate. */
  arrived(count?: number): Promise<void>
  /** Resolves when a call that was waiting has gone away by itself. */
  left(): Promise<void>
  /** Lets all that wait go on. */
  open(): void
}

/** Makes a closed gate. */
export async function makeGate(): Promise<Gate> {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-gate-'))
  const path = join(folder, 'gate')
  const arrivals = new EventList<number>()
  const departures = new EventList<true>()
  const waiting = new Set<Socket>()
  const server = createServer((socket) => {
    waiting.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => {
      if (waiting.delete(socket)) departures.add(true)
    })
    socket.resume()
    arrivals.add(arrivals.all.length + 1)
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  const open = () => {
    for (const socket of waiting) socket.destroy()
    waiting.clear()
  }
  return {
    path,
    arrived: async (count = 1) => void (await arrivals.first((number) => number >= count)),
    left: async () => void (await departures.first(() => true)),
    open,
    async [Symbol.asyncDispose]() {
      open()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
