import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { packageOf } from '../../testing/inline-host.ts'
import type { PluginEnd } from '../runner.ts'
import { ChildProcessRunner } from './child-process-runner.ts'
import { WorkerThreadRunner } from './worker-thread-runner.ts'

let folder: string
let program: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unreadable-message-'))
  program = join(folder, 'program.mjs')
  await writeFile(
    program,
    `import { parentPort } from 'node:worker_threads'
    if (parentPort) parentPort.on('message', () => {}).postMessage('odd')
    else process.on('message', () => {}).send('odd')`,
  )
})

afterAll(async () => await rm(folder, { recursive: true }))

it.each([
  ['process', () => new ChildProcessRunner({ sandbox: false, memoryMiB: 256 }, program)],
  ['thread', () => new WorkerThreadRunner({ memoryMiB: 256 }, program)],
])('a %s that sends what the host fails to read is ended, not the host', async (_, makeRunner) => {
  const { promise, resolve } = Promise.withResolvers<PluginEnd>()
  makeRunner().start(packageOf('A'), {
    output: () => {},
    message: () => {
      throw new RangeError('too deep')
    },
    ended: resolve,
  })
  expect(await promise).toMatchObject({ cause: 'sent what the host cannot read: RangeError: too deep' })
})
