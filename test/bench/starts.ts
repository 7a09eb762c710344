import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pino from 'pino'
import type { PluginPackage } from '../../host/src/plugins/plugin-package.ts'
import { readPlugin } from '../../host/src/plugins/read-plugin.ts'
import { PluginSupervisor } from '../../host/src/runtime/plugin-supervisor.ts'
import { ChildProcessRunner } from '../../host/src/runtime/runners/child-process-runner.ts'
import { median } from './median.ts'

// Part of npm run bench: how long a small plugin takes from the start of its process to its first answer, beside a bare
// fork of Node that sends one message; and what an idle plugin costs in memory.

const here = dirname(fileURLToPath(import.meta.url))
const runner = new ChildProcessRunner({ sandbox: true, memoryMiB: 512 }, join(here, 'plugin-process.js'))
const limits = { startMs: 20_000, stuckMs: 3000, abortGraceMs: 10_000, maxAnswerBytes: 16 * 1024 * 1024 }
const log = pino({ level: 'silent' })
const plugin = await read(fileURLToPath(new URL('../../../test/bench/plugin', import.meta.url)))
const rounds = 11
const idlePlugins = 8

const bare: number[] = []
const starts: number[] = []
for (let round = 0; round < rounds; round++) {
  bare.push(await timed(forkBare))
  starts.push(await timed(startPlugin))
}
const ratios = starts.map((ms, i) => ms / (bare[i] ?? Number.NaN))
const memory = await idleMemory()
console.log(`\n${'start to first answer'.padEnd(34)}  median  (least to most)     aim`)
console.log(row('bare fork of Node', bare))
console.log(`${row('plugin in a child process', starts)}     250 ms`)
console.log(`${'ratio to the bare fork'.padEnd(34)} ${median(ratios).toFixed(2).padStart(7)}`)
console.log(`\n${'memory of an idle plugin'.padEnd(34)}  median of ${idlePlugins}`)
console.log(`${'its process (RSS)'.padEnd(34)} ${mib(memory.process)}`)
console.log(`${'the host grows by (RSS)'.padEnd(34)} ${mib(memory.host)}`)

async function forkBare(): Promise<() => Promise<unknown>> {
  const child = fork(join(here, 'bare-process.js'), { stdio: 'ignore' })
  await once(child, 'message')
  return async () => {
    child.disconnect()
    await once(child, 'exit')
  }
}

async function startPlugin(): Promise<() => Promise<unknown>> {
  const supervisor = new PluginSupervisor(plugin, { runner, limits, log })
  const signal = new AbortController().signal
  const patience = { signal, deadlineMs: Date.now() + 60_000 }
  await supervisor.use('createMachine', patience, async (instance) => {
    const machine = { metadata: { name: 'm', namespace: '' }, spec: {} }
    const machineClass = { metadata: { name: 'c', namespace: '' }, provider: 'bench', providerSpec: { cloudMs: 0 } }
    const request = { machine, machineClass, secret: { token: Buffer.from('t'), userData: Buffer.from('u') } }
    const rest = { machine: 'm', requestId: 'r', onEnd: () => {} }
    return await instance.call({ method: 'createMachine', request, ...rest, ...patience })
  })
  return async () => await supervisor.close(5000)
}

async function timed(start: () => Promise<() => Promise<unknown>>): Promise<number> {
  const since = performance.now()
  const stop = await start()
  const took = performance.now() - since
  await stop()
  return took
}

async function idleMemory(): Promise<{ process: number; host: number }> {
  const supervisors = Array.from({ length: idlePlugins }, () => new PluginSupervisor(plugin, { runner, limits, log }))
  const before = process.memoryUsage.rss()
  const instances = await Promise.all(supervisors.map((supervisor) => supervisor.start()))
  const host = (process.memoryUsage.rss() - before) / idlePlugins
  const residents = instances.map(({ pid }) => residentBytes(pid ?? 0))
  await Promise.all(supervisors.map((supervisor) => supervisor.close(5000)))
  return { process: median(residents), host }
}

function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kib) * 1024
}

async function read(folder: string): Promise<PluginPackage> {
  const found = await readPlugin(folder, true)
  if (!found || 'reason' in found) throw new Error(`${folder}: ${found?.reason ?? 'no plugin'}`)
  return found
}

function row(name: string, times: number[]): string {
  const range = `(${Math.min(...times).toFixed(0)} to ${Math.max(...times).toFixed(0)} ms)`
  return `${name.padEnd(34)} ${`${median(times).toFixed(0)} ms`.padStart(7)}  ${range.padEnd(16)}`
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`.padStart(9)
}
