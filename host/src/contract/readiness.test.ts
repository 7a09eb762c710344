import { expect, it } from 'vitest'
import type { PluginFigures } from '../metrics/plugin-figures.ts'
import { readiness } from './readiness.ts'

const figures = (plugin: string, state: PluginFigures['state'], reason = ''): PluginFigures => {
  const none = { restarts: 0, runningCalls: 0, queuedCalls: 0, openCircuits: 0, memoryBytes: undefined }
  return { plugin, state, reason, version: '1.0.0', provider: plugin, ...none }
}

it.each<[string, boolean, PluginFigures[], boolean, string[]]>([
  [
    'a host whose plugins can all be used',
    true,
    [figures('a', 'ready'), figures('b', 'stopped'), figures('c', 'starting')],
    true,
    ['[+]host ok', '[+]plugins ok', '[+]plugin a ok', '[+]plugin b ok', '[+]plugin c ok', 'readyz check passed'],
  ],
  [
    'a host with a bad plugin, which takes nothing from the others',
    true,
    [
      figures('a', 'ready'),
      figures('b', 'failed', 'exited with code 1; its last lines:\n  hello'),
      figures('c', 'quarantined'),
    ],
    true,
    [
      '[+]host ok',
      '[+]plugins ok',
      '[+]plugin a ok',
      '[-]plugin b failed: exited with code 1',
      '[-]plugin c failed: quarantined',
      'readyz check passed',
    ],
  ],
  [
    'a host whose only plugin is bad',
    true,
    [figures('a', 'failed', 'x'.repeat(1000))],
    false,
    [
      '[+]host ok',
      '[-]plugins failed: none can be used',
      `[-]plugin a failed: ${'x'.repeat(300)}`,
      'readyz check failed',
    ],
  ],
  [
    'a host without plugins',
    true,
    [],
    false,
    ['[+]host ok', '[-]plugins failed: none was found', 'readyz check failed'],
  ],
  [
    'a host that stops',
    false,
    [figures('a', 'ready')],
    false,
    ['[-]host failed: it is starting or stopping', '[+]plugins ok', '[+]plugin a ok', 'readyz check failed'],
  ],
])('tells of %s', (_, isServing, plugins, isReady, lines) => {
  expect(readiness(isServing, plugins)).toEqual({ isReady, page: `${lines.join('\n')}\n` })
})
