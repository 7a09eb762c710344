import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Figures, load } from './load.ts'
import { median } from './median.ts'
import { specBytes } from './payload.ts'

// npm run bench: the host's throughput as a share of a bare grpc-js echo server's, all in one run. Rounds take turns, so
// that a noisy machine is noisy for all; the medians count.

const { values } = parseArgs({
  options: {
    callers: { type: 'string', default: '32' },
    calls: { type: 'string', default: '6000' },
    rounds: { type: 'string', default: '5' },
  },
})
const here = dirname(fileURLToPath(import.meta.url))
const options = { callers: Number(values.callers), calls: Number(values.calls) }
// From where run.mjs puts this program: node_modules/.cache/mcm-bench.
const plugin = fileURLToPath(new URL('../../../test/bench/plugin', import.meta.url))
const folder = await mkdtemp(join(tmpdir(), 'mcm-bench-'))
const subjects = [
  { name: 'bare grpc-js echo', aim: undefined, program: 'echo-server.js', args: [] },
  { name: 'host, plugin inline', aim: 0.75, program: 'host-server.js', args: ['inline', '', plugin] },
  {
    name: 'host, plugin in a child process',
    aim: 0.6,
    program: 'host-server.js',
    args: ['process', join(here, 'plugin-process.js'), plugin],
  },
]

const servers: { socket: string; process: ChildProcess }[] = []
try {
  for (const [i, { program, args }] of subjects.entries()) {
    const socket = join(folder, `${i}.sock`)
    const server = fork(join(here, program), [socket, ...args])
    servers.push({ socket, process: server })
    await Promise.race([
      once(server, 'message'),
      once(server, 'exit').then(() => Promise.reject(new Error(`${program} ended before it served`))),
    ])
    // Once unmeasured: compilers and caches warm up.
    await load(socket, { ...options, calls: 2000 })
  }
  const rounds: Figures[][] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const figures: Figures[] = []
    for (const { socket } of servers) figures.push(await load(socket, options))
    rounds.push(figures)
  }
  report(rounds)
} finally {
  for (const { process } of servers) process.disconnect()
  await Promise.all(servers.map(({ process }) => once(process, 'exit')))
  await rm(folder, { recursive: true, force: true })
}
// With the servers gone.
await import('./starts.ts')

function report(rounds: Figures[][]): void {
  const model = cpus()[0]?.model ?? 'unknown processor'
  console.log(
    `${rounds.length} rounds of ${options.calls} calls, ${options.callers} callers, ${specBytes} bytes of spec, 8192 of user data`,
  )
  console.log(`node ${process.versions.node}, ${cpus().length} x ${model}\n`)
  console.log(`${'subject'.padEnd(34)} calls/s     p50     p99   of echo  (least to most)    aim`)
  for (const [i, { name, aim }] of subjects.entries()) {
    const of = (pick: (figures: Figures) => number) => median(rounds.map((figures) => pick(at(figures, i))))
    const ratios = rounds.map((figures) => at(figures, i).callsPerSecond / at(figures, 0).callsPerSecond)
    const share = `${median(ratios).toFixed(2)}  (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`
    console.log(
      [
        name.padEnd(34),
        of(({ callsPerSecond }) => callsPerSecond)
          .toFixed(0)
          .padStart(7),
        `${of(({ p50Ms }) => p50Ms).toFixed(1)}ms`.padStart(8),
        `${of(({ p99Ms }) => p99Ms).toFixed(1)}ms`.padStart(8),
        `   ${share.padEnd(24)}`,
        aim === undefined ? '' : aim.toFixed(2),
      ].join(''),
    )
  }
  const ofInline = rounds.map((figures) => at(figures, 2).callsPerSecond / at(figures, 1).callsPerSecond)
  const range = `(${Math.min(...ofInline).toFixed(2)} to ${Math.max(...ofInline).toFixed(2)})`
  console.log(
    `\n${'child process as a share of inline'.padEnd(61)}${median(ofInline).toFixed(2)}  ${range.padEnd(18)}0.70`,
  )
}

function at(figures: Figures[], i: number): Figures {
  const found = figures[i]
  if (!found) throw new Error(`no figures of subject ${i}`)
  return found
}
