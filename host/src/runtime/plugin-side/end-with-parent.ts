import { Worker } from 'node:worker_threads'

/**
 * Ends this process, and the programs that it has started, when the one that started it is gone. The end of the channel
 * says so, but to the event loop only: a plugin whose code loops for ever would outlive its host. So a thread of its own
 * looks who the parent is; the system gives an orphan another one.
 */
export function endWithParent(): void {
  process.on('disconnect', () => process.kill(group, 'SIGKILL'))
  const thread = new Worker(program, {
    eval: true,
    workerData: { parent: process.ppid, group },
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  })
  // Without it the process ends with its channel still, unless it is stuck.
  thread.on('error', () => {})
  thread.unref()
}

// The host starts each plugin as the first of a group.
const group = -process.pid

const program = `
const { workerData: { parent, group } } = require('node:worker_threads')
setInterval(() => {
  if (process.ppid !== parent) process.kill(group, 'SIGKILL')
}, 500)
`
