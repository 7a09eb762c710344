import { readXml } from './read-xml.ts'
import { readBytes } from './size.ts'
import { element, writeXml, XmlError } from './xml.ts'

export interface OverlayDefinition {
  readonly name: string
  /** Size of the disk as the guest sees it; not less than the base image's. Default: the base image's. */
  readonly capacityBytes?: number | undefined
  /** The image below: all that the guest has not yet written comes from there. It must not change any more. */
  readonly base: { readonly path: string; readonly format: 'qcow2' | 'raw' }
}

/** A qcow2 volume that holds only what differs from its base image. */
export function overlayVolumeXml({ name, capacityBytes, base }: OverlayDefinition): string {
  return volumeXml(name, capacityBytes, [
    // Without the newer format libvirt writes one that cannot be checked for damage nor shared by several clusters.
    element('target', {}, element('format', { type: 'qcow2' }), element('compat', {}, '1.1')),
    element('backingStore', {}, element('path', {}, base.path), element('format', { type: base.format })),
  ])
}

export interface VolumeDefinition {
  readonly name: string
  readonly capacityBytes: number
}

/** An empty qcow2 volume that grows as it is written to. */
export function emptyVolumeXml({ name, capacityBytes }: VolumeDefinition): string {
  return volumeXml(name, capacityBytes, [
    element('target', {}, element('format', { type: 'qcow2' }), element('compat', {}, '1.1')),
  ])
}

/** A volume that is its content, byte by byte: what uploads go into. */
export function rawVolumeXml({ name, capacityBytes }: VolumeDefinition): string {
  return volumeXml(name, capacityBytes, [element('target', {}, element('format', { type: 'raw' }))])
}

export interface VolumeFacts {
  readonly name: string
  /** For a file its path as well. */
  readonly key: string | undefined
  readonly path: string
  readonly format: string | undefined
  readonly capacityBytes: number
  readonly allocatedBytes: number
  readonly base: { readonly path: string; readonly format: string | undefined } | undefined
  /** When its content was last written, in milliseconds since the epoch. */
  readonly modifiedMs: number | undefined
}

export function readVolume(xml: string): VolumeFacts {
  const volume = readXml(xml, 'volume')
  // libvirt has an empty <backingStore/> where there is none.
  const basePath = volume.find('backingStore', 'path')?.text
  const baseFormat = volume.find('backingStore', 'format')?.attribute('type')
  const modified = volume.find('target', 'timestamps', 'mtime')?.text
  return {
    name: volume.get('name').text,
    key: volume.find('key')?.text,
    path: volume.get('target', 'path').text,
    format: volume.find('target', 'format')?.attribute('type'),
    capacityBytes: readBytes(volume.get('capacity')),
    allocatedBytes: readBytes(volume.get('allocation')),
    base: basePath === undefined ? undefined : { path: basePath, format: baseFormat },
    // Seconds, with a fraction.
    modifiedMs: modified === undefined ? undefined : Number(modified) * 1000,
  }
}

function volumeXml(name: string, capacityBytes: number | undefined, rest: ReturnType<typeof element>[]): string {
  if (capacityBytes !== undefined && (!Number.isSafeInteger(capacityBytes) || capacityBytes <= 0)) {
    throw new XmlError(`${capacityBytes} is not a size for a volume`)
  }
  // Nothing is reserved: a disk takes the room that its guest uses.
  const allocation = element('allocation', { unit: 'bytes' }, '0')
  const capacity =
    capacityBytes === undefined ? undefined : element('capacity', { unit: 'bytes' }, String(capacityBytes))
  return writeXml(element('volume', {}, element('name', {}, name), capacity, allocation, ...rest))
}
