import { Worker } from 'node:worker_threads'

/**
 * Ends this process when the one that started it is gone. The end of the channel says so too, but to the event loop
 * only: a plugin whose code loops for ever would outlive its host. So a thread of its own looks who the parent is; the
 * system gives an orphan another one.
 */
export function endWithParent(): void {
  const thread = new Worker(program, {
    eval: true,
    workerData: process.ppid,
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  })
  // Without it the process ends with its channel still, unless it is stuck.
  thread.on('error', () => {})
  thread.unref()
}

const program = `
const { workerData: parent } = require('node:worker_threads')
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, 500)
`
