import { readXml } from './read-xml.ts'
import { readBytes } from './size.ts'
import { element, writeXml } from './xml.ts'

export interface PoolDefinition {
  readonly name: string
  /** The folder on the host. */
  readonly path: string
}

/** A pool that is a folder. */
export function poolXml({ name, path }: PoolDefinition): string {
  return writeXml(
    element('pool', { type: 'dir' }, element('name', {}, name), element('target', {}, element('path', {}, path))),
  )
}

export interface PoolFacts {
  readonly name: string
  readonly uuid: string
  readonly type: string | undefined
  /** Absent for pools that have no place in the file system. */
  readonly path: string | undefined
  readonly capacityBytes: number
  readonly availableBytes: number
}

export function readPool(xml: string): PoolFacts {
  const pool = readXml(xml, 'pool')
  return {
    name: pool.get('name').text,
    uuid: pool.get('uuid').text,
    type: pool.attribute('type'),
    path: pool.find('target', 'path')?.text,
    capacityBytes: readBytes(pool.get('capacity')),
    availableBytes: readBytes(pool.get('available')),
  }
}
