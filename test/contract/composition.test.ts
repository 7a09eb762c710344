import { pathToFileURL } from 'node:url'
import type { InjectionToken } from 'tsyringe'
import { expect, it } from 'vitest'
import type { Config } from '../../host/src/config/config.ts'
import { builtFile } from './testing/built-program.ts'

// From the bundle, since that is what ships: a bundler can break what the sources do well.
it('resolves every part of the host from the bundle', async () => {
  const { compose, tokens }: typeof import('../../host/src/composition.ts') = await import(
    pathToFileURL(builtFile('host/dist/composition.js')).href
  )
  const config: Config = {
    listen: [],
    http: { listen: [], probes: [], allowedOrigins: [] },
    tls: undefined,
    plugins: [],
    pluginDirs: [],
    pluginPolicy: { requireIntegrity: false },
    isolation: { runner: 'process', sandbox: true, memoryMiB: 512 },
    log: { level: 'silent', format: 'json' },
    maxMessageBytes: 1024 * 1024,
    deadlines: { changeMs: 1000, readMs: 1000, maxMs: 1000, methodMs: {} },
    watchPlugins: true,
    lint: false,
    supervision: { startMs: 20_000, stuckMs: 3000, abortGraceMs: 10_000, maxAnswerBytes: 16 * 1024 * 1024 },
    concurrency: { perCredential: 1, perPlugin: 1, queuePerCredential: 1 },
    stopMs: 1000,
  }
  const container = await compose(config)
  for (const [name, token] of Object.entries(tokens) as [string, InjectionToken<unknown>][]) {
    const part = container.resolve<unknown>(token)
    expect({ name, isThere: part !== undefined }).toEqual({ name, isThere: true })
    expect(container.resolve<unknown>(token)).toBe(part)
  }
  expect(container.resolve(tokens.services).plugins.list().plugins).toEqual([])
  await container.resolve(tokens.host).stop()
})
