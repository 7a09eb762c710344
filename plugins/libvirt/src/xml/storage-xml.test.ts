import { describe, expect, test } from 'vitest'
import { poolXml, readPool } from './pool-xml.ts'
import { readXml } from './read-xml.ts'
import { emptyVolumeXml, overlayVolumeXml, rawVolumeXml, readVolume } from './volume-xml.ts'
import { XmlError } from './xml.ts'

const lines = (xml: string) => xml.replaceAll('><', '>\n<')

const base = { path: '/images/base.qcow2', format: 'qcow2' as const }

test('an overlay', () => {
  expect(lines(overlayVolumeXml({ name: 'a', capacityBytes: 1024, base }))).toMatchInlineSnapshot(`
    "<volume>
    <name>a</name>
    <capacity unit="bytes">1024</capacity>
    <allocation unit="bytes">0</allocation>
    <target>
    <format type="qcow2"/>
    <compat>1.1</compat>
    </target>
    <backingStore>
    <path>/images/base.qcow2</path>
    <format type="qcow2"/>
    </backingStore>
    </volume>"
  `)
})

test('an empty disk', () => {
  expect(lines(emptyVolumeXml({ name: 'a', capacityBytes: 1024 }))).toMatchInlineSnapshot(`
    "<volume>
    <name>a</name>
    <capacity unit="bytes">1024</capacity>
    <allocation unit="bytes">0</allocation>
    <target>
    <format type="qcow2"/>
    <compat>1.1</compat>
    </target>
    </volume>"
  `)
})

test('a raw volume', () => {
  expect(lines(rawVolumeXml({ name: 'a', capacityBytes: 1024 }))).toMatchInlineSnapshot(`
    "<volume>
    <name>a</name>
    <capacity unit="bytes">1024</capacity>
    <allocation unit="bytes">0</allocation>
    <target>
    <format type="raw"/>
    </target>
    </volume>"
  `)
})

test('a pool', () => {
  expect(lines(poolXml({ name: 'a', path: '/pool' }))).toMatchInlineSnapshot(`
    "<pool type="dir">
    <name>a</name>
    <target>
    <path>/pool</path>
    </target>
    </pool>"
  `)
})

test.each([0, -1, 1.5, Number.NaN, 2 ** 60])('refuses a size of %d', (capacityBytes) => {
  expect(() => rawVolumeXml({ name: 'a', capacityBytes })).toThrow(XmlError)
})

describe('names that look like markup', () => {
  test.each(['a b;$(id)', '<x>', '"', '&', ']]>'])('%j stays a name', (name) => {
    const volume = readXml(overlayVolumeXml({ name, capacityBytes: 1, base: { ...base, path: name } }), 'volume')
    expect(volume.get('name').text).toBe(name)
    expect(volume.get('backingStore', 'path').text).toBe(name)
    expect(readXml(poolXml({ name, path: name }), 'pool').get('target', 'path').text).toBe(name)
  })

  test('control characters are refused', () => {
    expect(() => poolXml({ name: 'a\0', path: '/x' })).toThrow(XmlError)
    expect(() => rawVolumeXml({ name: 'a\nb', capacityBytes: 1 })).toThrow(XmlError)
  })
})

test('what libvirt says about a volume', () => {
  const xml = `<volume type='file'>
    <name>v.qcow2</name><key>/pool/v.qcow2</key><source/>
    <capacity unit='bytes'>67108864</capacity><allocation unit='bytes'>200704</allocation>
    <target><path>/pool/v.qcow2</path><format type='qcow2'/>
      <timestamps><mtime>1764000000.5</mtime></timestamps></target>
    <backingStore><path>/pool/base.qcow2</path><format type='qcow2'/></backingStore>
  </volume>`
  expect(readVolume(xml)).toEqual({
    name: 'v.qcow2',
    key: '/pool/v.qcow2',
    path: '/pool/v.qcow2',
    format: 'qcow2',
    capacityBytes: 67_108_864,
    allocatedBytes: 200_704,
    base: { path: '/pool/base.qcow2', format: 'qcow2' },
    modifiedMs: 1_764_000_000_500,
  })
})

test('what libvirt says about a pool', () => {
  const xml = `<pool type='dir'><name>p</name><uuid>u</uuid><capacity unit='bytes'>10</capacity>
    <allocation unit='bytes'>4</allocation><available unit='bytes'>6</available>
    <source/><target><path>/pool</path></target></pool>`
  expect(readPool(xml)).toEqual({
    name: 'p',
    uuid: 'u',
    type: 'dir',
    path: '/pool',
    capacityBytes: 10,
    availableBytes: 6,
  })
})

test.each([
  ['nothing', ''],
  ['no markup', 'volume'],
  ['another document', '<pool/>'],
  ['no end', '<volume'],
  ['two roots', '<volume/><volume/>'],
  ['nothing inside', '<volume/>'],
  ['a size that is none', '<volume><name>a</name><target><path>/x</path></target><capacity>x</capacity></volume>'],
])('refuses to read %s', (_name, xml) => {
  expect(() => readVolume(xml)).toThrow(XmlError)
})
