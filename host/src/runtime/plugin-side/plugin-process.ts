import { closeSync } from 'node:fs'
import type { HostMessage, PluginMessage } from '../messages.ts'
import { endWithParent } from './end-with-parent.ts'
import { loadPlugin } from './load-plugin.ts'
import { PluginServer } from './plugin-server.ts'

// The program of a plugin's child process: loads the package that the host names and serves it over the process's own
// channel. Its arguments are descriptors that are none of its business.

for (const descriptor of process.argv.slice(2)) {
  try {
    closeSync(Number(descriptor))
  } catch {
    // The host had closed it itself before this process came to be.
  }
}
// What the plugin writes is its own business.
process.umask(0o077)
endWithParent()
// That thread was the last; the plugin gets none. Workers of its own could not be watched.
process.permission?.drop('worker')

// The host decides when a plugin ends, by a message: a service manager's SIGTERM reaches every process of the host, and
// the host still wants its running calls answered. Once it has said so, SIGTERM means: do not wait for them.
let isStopping = false
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => isStopping && process.exit(0))

const send = (message: PluginMessage) => {
  if (process.connected) process.send?.(message)
}
const server = new PluginServer(loadPlugin, send)
process.on('message', (message: HostMessage) => {
  if (message.type !== 'shutdown') return server.receive(message)
  isStopping = true
  // A timer that the plugin forgot would keep the process: it ends here.
  void server.close().finally(() => process.exit(0))
})
