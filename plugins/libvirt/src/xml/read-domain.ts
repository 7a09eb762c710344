import { findTags, type MachineTags } from './machine-tags.ts'
import { readXml } from './read-xml.ts'

/** What a definition says, whatever the guest is doing. */
export interface DomainFacts {
  readonly name: string
  readonly uuid: string
  readonly virtType: string | undefined
  readonly disks: ReadonlyArray<{
    readonly device: string
    readonly target: string | undefined
    /** Absent for an empty drive, or a disk that is no file. */
    readonly path: string | undefined
  }>
  /** The file that the serial console is written to. */
  readonly consoleLog: string | undefined
  /** The firmware's variables of a UEFI guest, once libvirt has chosen the file. */
  readonly nvram: string | undefined
  /** Of the interfaces that libvirt knows. */
  readonly macAddresses: readonly string[]
  /** `undefined` when the domain is not ours. */
  readonly tags: MachineTags | undefined
}

export function readDomain(xml: string): DomainFacts {
  const domain = readXml(xml, 'domain')
  const devices = domain.find('devices')
  return {
    name: domain.get('name').text,
    uuid: domain.get('uuid').text,
    virtType: domain.attribute('type'),
    disks: (devices?.all('disk') ?? []).map((disk) => ({
      device: disk.attribute('device') ?? 'disk',
      target: disk.find('target')?.attribute('dev'),
      path: disk.find('source')?.attribute('file'),
    })),
    consoleLog: devices?.find('serial', 'source')?.attribute('path'),
    nvram: domain.find('os', 'nvram')?.text || undefined,
    macAddresses: (devices?.all('interface') ?? []).flatMap((card) => card.find('mac')?.attribute('address') ?? []),
    tags: findTags(domain),
  }
}
