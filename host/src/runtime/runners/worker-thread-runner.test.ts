import { expect, it } from 'vitest'
import { packageOf } from '../../testing/inline-host.ts'
import { WorkerThreadRunner } from './worker-thread-runner.ts'

it('tells of a thread that cannot be made as an end', async () => {
  const told: unknown[] = []
  // A thread's program has to be an absolute path.
  const runner = new WorkerThreadRunner({ memoryMiB: 512 }, 'nowhere.js')
  const plugin = runner.start(packageOf('X'), {
    message: (message) => told.push(message),
    output: (line) => told.push(line),
    ended: (end) => told.push(end),
  })
  await plugin.stop(0)
  const cause = expect.stringMatching(
    /^could not be started: The worker script or module filename must be an absolute path/,
  )
  expect(told).toEqual([{ cause, lastLines: [] }])
})
