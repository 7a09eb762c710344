import { readFileSync } from 'node:fs'
import { isPlugin, MachineCodes } from '@mcm/sdk/contract'
import { loadPlugin } from '@mcm/sdk/testing'
import { describe, expect, it } from 'vitest'
import { cloudErrorCodeOf, cloudErrors } from './cloud/error.ts'
import { defaultSettings } from './cloud/settings.ts'
import plugin from './index.ts'
import { providerSpec } from './provider-spec.ts'
import { specWith } from './testing/requests.ts'
import { validate } from './validate.ts'

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
  visit('', providerSpec)
  expect(missing.filter((path) => path !== '')).toEqual([])
})

it('has an error of the cloud for every code of the contract', () => {
  const codes = new Set<string>(Object.values(cloudErrors).map(({ machineCode }) => machineCode))
  expect(Object.keys(MachineCodes).filter((code) => !codes.has(code))).toEqual(['OK'])
  expect(cloudErrorCodeOf('ResourceExhausted')).toBe('InsufficientCapacity')
  expect(cloudErrorCodeOf('OK')).toBeUndefined()
})

describe('the README', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8').replaceAll(/ +/g, ' ')

  it('has the table of errors', () => {
    const rows = new Map<string, string[]>()
    for (const [code, { machineCode }] of Object.entries(cloudErrors)) {
      rows.set(machineCode, [...(rows.get(machineCode) ?? []), `\`${code}\``])
    }
    for (const [machineCode, codes] of rows) expect(readme).toContain(`\n| ${codes.join(', ')} | ${machineCode} |\n`)
  })

  it('has every setting with its default', () => {
    for (const [key, value] of Object.entries(defaultSettings)) {
      const text = JSON.stringify(value)
      const shown = typeof value === 'object' ? `\`${text}\`` : text
      expect(readme).toContain(`\n| \`${key}\` | ${shown} | `)
    }
  })
})

describe('validate', () => {
  const cluster = 'kubernetes.io/cluster/'
  it.each([
    ['a valid class', {}, []],
    ['a zone of another region', { zone: 'us-1a' }, ['providerSpec.zone']],
    ['no cluster', { tags: { [cluster]: '1', other: '1' } }, ['providerSpec.tags']],
    ['two clusters', { tags: { [`${cluster}a`]: '1', [`${cluster}b`]: '1' } }, ['providerSpec.tags']],
    ['all of that', { zone: 'us-1a', tags: {} }, ['providerSpec.zone', 'providerSpec.tags']],
  ])('sees %s', (_, changes, paths) => {
    expect(validate({ spec: specWith(changes) }).map(({ path }) => path)).toEqual(paths)
  })
})

it('answers the ids of its own volumes and leaves others out', async () => {
  const pvSpecs = [
    { csi: { driver: 'fake.csi.mcm.dev', volumeHandle: 'vol-1' } },
    { csi: { driver: 'other.csi.example.com', volumeHandle: 'vol-2' } },
    { csi: { driver: 'fake.csi.mcm.dev' } },
    { csi: 'nonsense' },
    { hostPath: { path: '/' } },
    { csi: { driver: 'fake.csi.mcm.dev', volumeHandle: 'vol-3' } },
  ]
  await using driver = loadPlugin(plugin)
  expect(await driver.call('getVolumeIDs', { pvSpecs })).toEqual({ volumeIDs: ['vol-1', 'vol-3'] })
})

describe('generateMachineClassForMigration', () => {
  const machineClass = { metadata: { name: 'new', namespace: 'default' } }
  const secretRef = { name: 's', namespace: 'default' }

  it('spreads an old class over a MachineClass', async () => {
    const old = { kind: 'FakeMachineClass', spec: { region: 'eu-1', secretRef } }
    await using driver = loadPlugin(plugin)
    const request = { providerSpecificMachineClass: old, machineClass }
    expect(await driver.call('generateMachineClassForMigration', request)).toEqual({
      machineClass: { ...machineClass, provider: 'fake', providerSpec: { region: 'eu-1' }, secretRef },
    })
  })

  it.each([
    ['another kind', { kind: 'AWSMachineClass', spec: {} }, 'Unimplemented'],
    ['a class without a spec', { kind: 'FakeMachineClass' }, 'Internal'],
  ])('refuses %s', async (_, providerSpecificMachineClass, code) => {
    await using driver = loadPlugin(plugin)
    const request = { providerSpecificMachineClass, machineClass }
    await expect(driver.call('generateMachineClassForMigration', request)).rejects.toMatchObject({ code })
  })
})
