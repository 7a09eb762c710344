import { expect, test } from 'vitest'
import { fileNames, isFileOf, probeName } from './files.ts'

const stem = 'shoot_default_a'

test('every name that is given is known again', () => {
  const names = fileNames({ stem }, Buffer.from('seed'))
  expect(names).toEqual({
    disk: 'shoot_default_a_disk.qcow2',
    seed: 'shoot_default_a_seed-19b25856e1c1.iso',
    console: 'shoot_default_a_console.log',
  })
  const all = [...Object.values(names), `${names.console}.0`, `${names.console}.12`, probeName(stem, '00c0ffee')]
  for (const name of all) expect(isFileOf(stem, name)).toBe(true)
})

test('another seed has another name', () => {
  expect(fileNames({ stem }, Buffer.from('a')).seed).not.toBe(fileNames({ stem }, Buffer.from('b')).seed)
})

test.each([
  'shoot_default_ab_disk.qcow2',
  'shoot_default_a-b_disk.qcow2',
  'shoot_default_a_disk.qcow2.bak',
  'shoot_default_a_data.qcow2',
  'shoot_default_a_console.log.old',
  'shoot_default_a',
  'xshoot_default_a_disk.qcow2',
  'mcm-image-abc.qcow2',
])('%s is not ours', (name) => {
  expect(isFileOf(stem, name)).toBe(false)
})
