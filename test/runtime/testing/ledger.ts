import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { EventList } from '../../contract/testing/event-list.ts'

/** One execution of a call by the plugin `recording`. */
export interface LedgerEntry {
  method: string
  machine: string
  version: string
  pid: number
}

/** Where the plugin `recording` writes down each call that it runs, whichever process it is. */
export interface Ledger extends AsyncDisposable {
  /** What `providerSpec.ledger` is set to. */
  path: string
  entries: EventList<LedgerEntry>
}

export async function makeLedger(): Promise<Ledger> {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-ledger-'))
  const path = join(folder, 'ledger')
  const entries = new EventList<LedgerEntry>()
  const server = createServer((socket) => {
    socket.on('error', () => {})
    createInterface({ input: socket }).on('line', (line) => {
      const [method = '', machine = '', version = '', pid = ''] = line.split(' ')
      entries.add({ method, machine, version, pid: Number(pid) })
    })
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    path,
    entries,
    async [Symbol.asyncDispose]() {
      server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
