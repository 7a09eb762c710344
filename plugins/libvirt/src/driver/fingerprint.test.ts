import { expect, test } from 'vitest'
import { fingerprint } from './fingerprint.ts'

type Spec = Parameters<typeof fingerprint>[0]
const sha256 = 'a'.repeat(64)
const spec: Spec = {
  image: { path: '/image' },
  cpus: 1,
  memoryMiB: 64,
  pool: { name: 'mcm' },
  firmware: 'bios',
  machineType: 'q35',
}

test('is the same for ever: a change would refuse every machine that is there', () => {
  expect(fingerprint(spec)).toBe('648abd758c432c9f')
})

test('is the same for the same VM, however it is written', () => {
  expect(fingerprint({ ...spec, image: { format: 'qcow2', path: '/image' } })).toBe(fingerprint(spec))
  expect(fingerprint({ ...spec, pool: { name: 'other', path: '/p' } })).toBe(fingerprint(spec))
  const from = (url: string) => fingerprint({ ...spec, image: { url, sha256 } })
  expect(from('https://a/x')).toBe(from('https://mirror/y'))
  const volume = fingerprint({ ...spec, image: { volume: 'v' } })
  expect(fingerprint({ ...spec, image: { volume: 'v', pool: 'mcm' } })).toBe(volume)
})

test('differs with all that a VM cannot change', () => {
  const others: Spec[] = [
    spec,
    { ...spec, image: { path: '/other' } },
    { ...spec, image: { path: '/image', format: 'raw' } },
    { ...spec, image: { volume: '/image' } },
    { ...spec, image: { url: 'https://a', sha256 } },
    { ...spec, cpus: 2 },
    { ...spec, memoryMiB: 65 },
    { ...spec, diskGiB: 1 },
    { ...spec, firmware: 'efi' },
    { ...spec, machineType: 'pc' },
  ]
  expect(new Set(others.map(fingerprint)).size).toBe(others.length)
})
