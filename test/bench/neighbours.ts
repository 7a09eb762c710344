import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { connectDriver } from '@mcm/sdk/client'
import { type Misbehaviour, misbehaviours } from '../fixtures/misbehaviours.ts'
import { type Figures, load } from './load.ts'
import { median } from './median.ts'

// npm run bench:neighbours: what a plugin loses while another one misbehaves as fast as it is asked to. Windows with and
// without the other take turns, so that a noisy machine is noisy for both; the medians count. Exit status 1 where one loses
// more than it may.

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '1.5' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
  },
})
const seconds = Number(values.seconds)
const least = 0.95
// A moderate load: real plugins wait for their clouds most of the time.
const neighbourLoad = { callers: 8, seconds, cloudMs: 20, paceMs: 50 }
const rogueCallers = 2

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'mcm-neighbours-'))
const gate = join(folder, 'gate')
// Never opens.
createServer().listen(gate).unref()
const rows = misbehaviours.filter(({ does, fixture }) => `${fixture}: ${does}`.includes(values.only))

console.log(
  `${values.rounds} rounds of ${seconds} s each way, ${neighbourLoad.callers} callers that each begin a call every 50 ms, a cloud that takes 20 ms`,
)
console.log(`\n${'while a plugin'.padEnd(66)} calls/s  p99    disturbed  p99      ratio  (least to most)`)
let isBad = false
try {
  for (const row of rows) isBad = !(await measure(row)) || isBad
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.exitCode = isBad ? 1 : 0

async function measure(row: Misbehaviour): Promise<boolean> {
  const socket = join(folder, 'host.sock')
  const log = openSync(join(folder, 'log'), 'w')
  const plugins = [join(root, 'test/bench/plugin'), join(root, 'test/fixtures/plugins', row.fixture)]
  const server = fork(join(here, 'host-server.js'), [socket, 'process', join(here, 'plugin-process.js'), ...plugins], {
    stdio: ['ignore', 'ignore', log, 'ipc'],
    env: { ...process.env, MCM_BENCH_LOG: 'info' },
  })
  try {
    await serving(server)
    await load(socket, neighbourLoad)
    const before: Figures[] = []
    const during: Figures[] = []
    for (let round = 0; round < Number(values.rounds); round++) {
      before.push(await load(socket, neighbourLoad))
      await using rogue = misbehave(row, socket)
      await rogue.begun
      during.push(await load(socket, neighbourLoad))
    }
    const ratios = during.map(({ callsPerSecond }, i) => callsPerSecond / (before[i]?.callsPerSecond ?? Number.NaN))
    const ratio = median(ratios)
    const range = `(${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`
    const figures = [before, during].map(describe).join('  ')
    const verdict = ratio < least ? `  below ${least}` : ''
    console.log(`${row.does.padEnd(66)}${figures} ${ratio.toFixed(2).padStart(6)}  ${range}${verdict}`)
    return ratio >= least
  } finally {
    server.disconnect()
    await once(server, 'exit')
    closeSync(log)
  }
}

/** Calls a plugin that misbehaves, again and again, until it is disposed. */
function misbehave({ provider, spec, deadlineMs }: Misbehaviour, socket: string) {
  const driver = connectDriver(`unix://${socket}`)
  const done = new AbortController()
  const call = async (i: number) => {
    const machine = { metadata: { name: `rogue-${i}`, namespace: '' }, spec: {} }
    const machineClass = {
      metadata: { name: 'rogue', namespace: '' },
      provider,
      providerSpec: { ...spec, ...(deadlineMs && { gate }) },
    }
    const secret = { data: { token: Buffer.from('rogue-token') } }
    const options = { signal: done.signal, ...(deadlineMs && { deadlineMs: Date.now() + deadlineMs }) }
    const isAnswered = await driver.createMachine({ machine, machineClass, secret }, options).then(
      () => true,
      () => false,
    )
    // A caller that is told of a failure waits a moment before it calls again; no host can be quicker than its callers.
    if (!isAnswered) await sleep(20)
  }
  const callers = Array.from({ length: rogueCallers }, async (_, i) => {
    while (!done.signal.aborted) await call(i)
  })
  return {
    /** Its first calls are under way. */
    begun: sleep(100),
    async [Symbol.asyncDispose]() {
      done.abort()
      await Promise.all(callers)
      driver.close()
    },
  }
}

function describe(rounds: Figures[]): string {
  const rate = median(rounds.map(({ callsPerSecond }) => callsPerSecond))
  const p99 = median(rounds.map(({ p99Ms }) => p99Ms))
  return `${rate.toFixed(0).padStart(8)}  ${`${p99.toFixed(0)} ms`.padEnd(7)}`
}

async function serving(server: ChildProcess): Promise<void> {
  await Promise.race([
    once(server, 'message'),
    once(server, 'exit').then(() => Promise.reject(new Error('the host ended before it served'))),
  ])
}
