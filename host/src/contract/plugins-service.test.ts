import { PluginState } from '@mcm/sdk/contract'
import { expect, it } from 'vitest'
import { PluginReloader } from '../routing/plugin-reloader.ts'
import { inlineRouter, memoryLog, pluginOf } from '../testing/inline-host.ts'
import { PluginsService } from './plugins-service.ts'

it('shows a plugin that goes on although its files cannot be used any more once, with the reason', async () => {
  const { routes, supervisors } = inlineRouter([pluginOf('A')])
  const [supervisor] = supervisors
  await supervisor?.start()
  const { log } = memoryLog()
  const reloader = new PluginReloader({
    routes,
    find: async () => ({ plugins: [], rejected: [] }),
    supervise: () => {
      throw new Error('nothing is added here')
    },
    watched: [],
    signature: '',
    leaveMs: 0,
    log,
  })
  const { name = '', folder = '' } = supervisor?.plugin ?? {}
  const nothing = { version: '', description: '', providers: [] }
  routes.rejected = [
    { ...nothing, name, folder, reason: 'its files differ from the lock file' },
    { ...nothing, name: 'other', folder: '/elsewhere', reason: 'it is no plugin' },
  ]
  const { plugins } = new PluginsService(routes, reloader).list()
  expect(plugins.map(({ name, state, reason, notice }) => ({ name, state, reason, notice }))).toEqual([
    { name: 'other', state: PluginState.FAILED, reason: 'it is no plugin', notice: '' },
    {
      name,
      state: PluginState.READY,
      reason: '',
      notice: 'what is installed now cannot be used: its files differ from the lock file',
    },
  ])
  await supervisor?.close(0)
})
