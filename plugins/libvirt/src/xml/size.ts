import type { XmlElement } from './read-xml.ts'
import { XmlError } from './xml.ts'

/** libvirt answers sizes in bytes, and says so. */
export function readBytes(element: XmlElement): number {
  const unit = element.attribute('unit') ?? 'bytes'
  const bytes = Number(element.text)
  if (unit !== 'bytes' || !Number.isSafeInteger(bytes) || bytes < 0) {
    throw new XmlError(`'${element.text} ${unit}' is not a number of bytes`)
  }
  return bytes
}
