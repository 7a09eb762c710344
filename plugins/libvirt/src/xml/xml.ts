import { create } from 'xmlbuilder2'

/** A value that cannot stand in XML, or XML that cannot be read. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
}

type Content = ReadonlyArray<Element | string | undefined>

/** An element to be written. Names are ours; attributes and texts may hold anything but control characters. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string | number | undefined>>
  readonly content: Content
  readonly namespace: string | undefined
}

/** Attributes and children that are `undefined` are left out. */
export function element(name: string, attributes: Element['attributes'] = {}, ...content: Content): Element {
  return { name, attributes, content, namespace: undefined }
}

/** The same for a name with a prefix, which is declared where it is first used. */
export function elementIn(
  namespace: string,
  name: string,
  attributes: Element['attributes'] = {},
  ...content: Content
): Element {
  return { name, attributes, content, namespace }
}

export function writeXml(root: Element): string {
  const document = create()
  append(document, root)
  return document.end({ headless: true })
}

function append(parent: ReturnType<typeof create>, { name, attributes, content, namespace }: Element): void {
  const node = namespace === undefined ? parent.ele(name) : parent.ele(namespace, name)
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) node.att(key, escaped(String(value), `${name}/@${key}`))
  }
  for (const child of content) {
    if (typeof child === 'string') node.txt(escaped(child, name))
    else if (child !== undefined) append(node, child)
  }
}

/** The library leaves an ampersand alone that looks like the start of an entity; the value `&lt;` would turn into `<`. */
function escaped(value: string, where: string): string {
  return checkText(value, where).replaceAll('&', '&amp;')
}

/**
 * Refuses what XML 1.0 has no place for, and control characters besides: no name, path or tag has a use for them, and a
 * line break in an attribute would come back as a space. Markup is not refused; it is escaped.
 */
function checkText(value: string, where: string): string {
  for (const character of value) {
    const code = character.codePointAt(0) ?? 0
    const isControl = code < 0x20 || (code >= 0x7f && code <= 0x9f)
    const isSurrogate = code >= 0xd800 && code <= 0xdfff
    if (isControl || isSurrogate || code === 0xfffe || code === 0xffff) {
      const hex = code.toString(16).toUpperCase().padStart(4, '0')
      throw new XmlError(`${where}: the character U+${hex} is not allowed`)
    }
  }
  return value
}
