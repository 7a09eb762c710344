import { describe, expect, it } from 'vitest'
import { hostVersion } from '../version.ts'
import { readManifest } from './manifest.ts'

const good = { contract: 1, host: '>=0.1.0 <1.0.0', providers: ['AWS'] }
const read = (mcm: unknown) => readManifest({ name: 'p', version: '1.0.0', mcm })

it.each<[string, object]>([
  ['the least', good],
  ['aliases', { ...good, providers: ['AWS', 'aws', 'a.b-c_d', 'x'.repeat(63), '1'] }],
  [
    'permissions',
    {
      ...good,
      permissions: {
        net: ['x.example'],
        unixSockets: [],
        files: ['/a'],
        env: ['A'],
        programs: ['qemu'],
        addons: ['x'],
      },
    },
  ],
  ['a caret range', { ...good, host: `^${hostVersion}` }],
])('takes a manifest with %s', (_, mcm) => {
  expect(read(mcm)).toEqual({ manifest: mcm })
})

const hostReason = '"mcm.host" must be a range of host versions, such as ">=0.1.0 <1.0.0"'
const nameReason = (name: string) =>
  `provider name ${JSON.stringify(name)} must be 1 to 63 of A-Z, a-z, 0-9, "-", "_", ".", and begin with a letter or digit`

describe('refuses a manifest', () => {
  it.each<[string, unknown, string[]]>([
    ['that is no object', 'yes', ['"mcm" must be an object']],
    ['that is a list', [], ['"mcm" must be an object']],
    [
      'that is empty',
      {},
      ['"mcm.contract" must be a number', hostReason, '"mcm.providers" must be a list of at least one provider name'],
    ],
    ['of another contract', { ...good, contract: 2 }, ['it needs contract 2, this host speaks 1']],
    ['with a contract that is none', { ...good, contract: '1' }, ['"mcm.contract" must be a number']],
    ['for another host', { ...good, host: '>=7' }, [`it was made for host >=7, this is ${hostVersion}`]],
    ...['*', '', 'x', '>=0.0.0', '1 || *', 'latest', 7].map((host): [string, unknown, string[]] => [
      `with the host range ${JSON.stringify(host)}`,
      { ...good, host },
      [hostReason],
    ]),
    ['without providers', { ...good, providers: [] }, ['"mcm.providers" must be a list of at least one provider name']],
    [
      'with providers that are no texts',
      { ...good, providers: [1] },
      ['"mcm.providers" must be a list of at least one provider name'],
    ],
    [
      'with odd provider names',
      { ...good, providers: ['', '..', '.x', '-x', 'a b', 'ä', 'a/b', 'x'.repeat(64)] },
      ['', '..', '.x', '-x', 'a b', 'ä', 'a/b', 'x'.repeat(64)].map(nameReason),
    ],
    [
      'with unknown fields',
      { ...good, provider: 'AWS', permissions: { network: [] } },
      ['"mcm.provider" is not known', '"mcm.permissions.network" is not known'],
    ],
    [
      'with permissions that are none',
      { ...good, permissions: { net: 'all', files: [1] } },
      ['"mcm.permissions.net" must be a list of texts', '"mcm.permissions.files" must be a list of texts'],
    ],
    [
      'with files that are none, and variables that would change Node',
      { ...good, permissions: { files: ['x', '/a/*'], env: ['NODE_OPTIONS', 'LD_PRELOAD', 'NODE_ENV'] } },
      [
        ...['x', '/a/*'].map(
          (text) =>
            `"mcm.permissions.files" has ${JSON.stringify(text)}; it takes "/path", "~/path" or "*", each also as "read:…"`,
        ),
        ...['NODE_OPTIONS', 'LD_PRELOAD'].map(
          (name) => `"mcm.permissions.env" has "${name}", which would change how the plugin's process is run`,
        ),
      ],
    ],
    ['with permissions that are no object', { ...good, permissions: 'all' }, ['"mcm.permissions" must be an object']],
  ])('%s', (_, mcm, reasons) => {
    expect(read(mcm)).toEqual({ reasons })
  })
})
