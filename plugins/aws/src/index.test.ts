import { readFileSync } from 'node:fs'
import { isPlugin } from '@mcm/sdk/contract'
import { expect, it } from 'vitest'
import plugin from './index.ts'
import { ProviderSpec } from './spec/provider-spec.ts'

it('is a plugin whose manifest says the same as its definition', () => {
  const { mcm } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect(isPlugin(plugin)).toBe(true)
  expect(mcm).toMatchObject({ contract: plugin.contract, providers: [plugin.provider] })
})

it('describes every property of its providerSpec, with an example', () => {
  const missing: string[] = []
  const visit = (path: string, schema: object) => {
    for (const [key, property] of Object.entries<object>(Reflect.get(schema, 'properties') ?? {})) {
      if (!('description' in property) || !('examples' in property)) missing.push(`${path}${key}`)
      visit(`${path}${key}.`, property)
    }
    const items = Reflect.get(schema, 'items')
    if (items) visit(`${path}[].`, items)
  }
  visit('', ProviderSpec)
  expect(missing).toEqual([])
})
