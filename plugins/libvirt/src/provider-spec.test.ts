import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, test } from 'vitest'
import { checkSpec } from './check-spec.ts'
import { ProviderSpec } from './provider-spec.ts'

// As the host does it.
const isValid = new Ajv2020({ allErrors: true, useDefaults: true, strict: false }).compile<ProviderSpec>(
  JSON.parse(JSON.stringify(ProviderSpec)),
)
const sha256 = 'a'.repeat(64)
const least = { cluster: 'shoot--prod', image: { path: '/image.qcow2' }, memoryMiB: 512 }

test('what is not said gets its default', () => {
  const spec = structuredClone(least)
  expect(isValid(spec)).toBe(true)
  expect(spec).toEqual({
    ...least,
    uri: 'qemu:///system',
    cpus: 1,
    pool: { name: 'mcm' },
    networks: [{ type: 'user' }],
    firmware: 'bios',
    machineType: 'q35',
    virtType: 'auto',
    tags: {},
  })
})

test.each([
  { image: { url: 'https://host/image.qcow2?sig=x', sha256, format: 'raw' } },
  { image: { volume: 'base.qcow2', pool: 'images' } },
  { diskGiB: 0.25, cpus: 4, firmware: 'efi', machineType: 'pc-q35-7.2', virtType: 'kvm' },
  { networks: [] },
  {
    networks: [
      { type: 'network', name: 'default' },
      { type: 'bridge', name: 'br0' },
    ],
  },
  { networks: [{ type: 'user', forwards: [{ hostPort: 2222, guestPort: 22 }] }] },
  { tags: { 'a/b.c_d-e': 'any <text> & "more"' } },
  { pool: { name: 'p', path: '/var/lib/a folder' } },
])('%j is valid', (changes) => {
  expect(isValid(structuredClone({ ...least, ...changes }))).toBe(true)
})

const hostile = ['', 'a b', '$(id)', 'a;b', 'a/b', '../a', '.a', '-a', 'a\n', 'a\0', "a'", '<a>', 'ä', 'a'.repeat(500)]

describe.each([
  ['cluster', (value: string) => ({ cluster: value })],
  ['pool.name', (value: string) => ({ pool: { name: value } })],
  ['image.volume', (value: string) => ({ image: { volume: value } })],
  ['networks[0].name', (value: string) => ({ networks: [{ type: 'network', name: value }] })],
  ['networks[0].name of a bridge', (value: string) => ({ networks: [{ type: 'bridge', name: value }] })],
  ['machineType', (value: string) => ({ machineType: value })],
])('%s', (_field, changes) => {
  test.each(hostile)('%j is refused', (value) => {
    expect(isValid({ ...structuredClone(least), ...changes(value) })).toBe(false)
  })
})

test('a cluster has no underscore, which separates it from the rest of a name', () => {
  expect(isValid({ ...least, cluster: 'a_b' })).toBe(false)
})

test.each([
  { memoryMiB: 0 },
  { memoryMiB: 1.5 },
  { memoryMiB: '512' },
  { cpus: 0 },
  { diskGiB: 0 },
  { diskGiB: -1 },
  { image: {} },
  { image: { path: 'relative' } },
  { image: { path: '/a\nb' } },
  { image: { path: '/a', url: 'https://b', sha256 } },
  { image: { url: 'https://b' } },
  { image: { url: 'file:///etc/passwd', sha256 } },
  { image: { url: 'https://b', sha256: 'short' } },
  { image: { path: '/a', format: 'vmdk' } },
  { pool: { name: 'p', path: 'relative' } },
  { networks: [{ type: 'user', forwards: [{ hostPort: 0, guestPort: 22 }] }] },
  { networks: [{ type: 'user', forwards: [{ hostPort: 22, guestPort: 65536 }] }] },
  { networks: [{ type: 'user', name: 'x' }] },
  { networks: [{ type: 'other' }] },
  { firmware: 'other' },
  { virtType: 'xen' },
  { tags: { 'mcm:fingerprint': 'x' } },
  { tags: { a: 'b\nc' } },
  { tags: { a: 1 } },
  { unknown: true },
])('%j is refused', (changes) => {
  expect(isValid({ ...structuredClone(least), ...changes })).toBe(false)
})

describe('what no schema can say', () => {
  const paths = (changes: object) => {
    const spec = structuredClone({ ...least, ...changes })
    expect(isValid(spec)).toBe(true)
    return checkSpec(spec as ProviderSpec).map(({ path }) => path)
  }
  const user = (...hostPorts: number[]) => ({
    type: 'user',
    forwards: hostPorts.map((hostPort) => ({ hostPort, guestPort: 22 })),
  })

  test.each([
    ['nothing is wrong', {}, []],
    ['a URI of something else', { uri: 'xen:///' }, ['providerSpec.uri']],
    ['a URI of another host', { uri: 'qemu+ssh://host/system' }, ['providerSpec.uri']],
    ['a URL that is none', { image: { url: 'http://[', sha256 } }, ['providerSpec.image.url']],
    ['a password in a URL', { image: { url: 'http://u:p@host/', sha256 } }, ['providerSpec.image.url']],
    ['different ports', { networks: [user(1, 2), user(3)] }, []],
    ['a port twice in one card', { networks: [user(1, 1)] }, ['providerSpec.networks[0].forwards[1].hostPort']],
    ['a port twice in two cards', { networks: [user(1), user(1)] }, ['providerSpec.networks[1].forwards[0].hostPort']],
    ['forwards on another bus', { machineType: 'pc', networks: [user(1)] }, ['providerSpec.networks[0].forwards[0]']],
  ])('%s', (_what, changes, wanted) => {
    expect(paths(changes)).toEqual(wanted)
  })
})
