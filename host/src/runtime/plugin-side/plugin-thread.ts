import { parentPort } from 'node:worker_threads'
import type { HostMessage, PluginMessage } from '../messages.ts'
import { loadPlugin } from './load-plugin.ts'
import { PluginServer } from './plugin-server.ts'

// The program of a plugin's thread: as plugin-process.ts, over the thread's own channel.

const server = new PluginServer(loadPlugin, (message: PluginMessage) => parentPort?.postMessage(message))
parentPort?.on('message', (message: HostMessage) => {
  if (message.type !== 'shutdown') return server.receive(message)
  // In a thread this ends the thread only.
  void server.close().finally(() => process.exit(0))
})
