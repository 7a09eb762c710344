import { endWithParent } from './end-with-parent.ts'
import { loadPlugin } from './load-plugin.ts'
import type { HostMessage, PluginMessage } from './messages.ts'
import { PluginServer } from './plugin-server.ts'

// The program of a plugin's child process: loads the package that the host names and serves it over the process's own
// channel.

// The host decides when a plugin ends: a Ctrl-C in the terminal or a service manager's SIGTERM reaches the whole
// process group, and the host still wants its running calls answered.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
// Without a host there is nobody to work for. Covers also a host that was killed.
process.on('disconnect', () => process.exit(0))
endWithParent()

const send = (message: PluginMessage) => {
  if (process.connected) process.send?.(message)
}
const server = new PluginServer(loadPlugin, send)
process.on('message', (message: HostMessage) => {
  if (message.type !== 'shutdown') return server.receive(message)
  // A timer that the plugin forgot would keep the process: it ends here.
  void server.close().finally(() => process.exit(0))
})
