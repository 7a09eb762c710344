import { create } from 'xmlbuilder2'
import { XmlError } from './xml.ts'

/** Reads a document whose root has this local name. */
export function readXml(xml: string, rootName: string): XmlElement {
  const root = parse(xml)
  if (root.localName !== rootName) throw new XmlError(`<${rootName}> expected, <${root.localName}> found`)
  return new XmlElement(root)
}

/** An element that was read. Prefixes are ignored: libvirt moves namespaces about, local names stay. */
export class XmlElement {
  readonly #node: ElementNode

  constructor(node: ElementNode) {
    this.#node = node
  }

  get text(): string {
    return this.#node.textContent ?? ''
  }

  attribute(name: string): string | undefined {
    return this.#node.getAttribute(name) ?? undefined
  }

  /** The children with this local name, in order; where a namespace is given, only those in it. */
  all(name: string, namespace?: string): XmlElement[] {
    const elements = [...this.#node.childNodes].filter(isElement)
    return elements
      .filter((child) => child.localName === name && (!namespace || child.namespaceURI === namespace))
      .map((child) => new XmlElement(child))
  }

  /** The first element at the end of this path of local names. */
  find(name: string, ...rest: string[]): XmlElement | undefined {
    const [first] = this.all(name)
    const [next, ...more] = rest
    return next === undefined ? first : first?.find(next, ...more)
  }

  /** The same, for what has to be there. */
  get(name: string, ...rest: string[]): XmlElement {
    const found = this.find(name, ...rest)
    if (!found) throw new XmlError(`<${[this.#node.localName, name, ...rest].join('/')}> is missing`)
    return found
  }
}

type Node = ReturnType<typeof create>['node']
type ElementNode = Node & {
  readonly localName: string
  readonly namespaceURI: string | null
  getAttribute(name: string): string | null
}

function isElement(node: Node): node is ElementNode {
  return node.nodeType === 1
}

function parse(xml: string): ElementNode {
  // The parser takes a text without markup for the name of an element.
  if (!xml.trimStart().startsWith('<')) throw new XmlError('not an XML document')
  let root: Node
  try {
    // The library decodes names of entities first and numbers next, so `&amp;#65;` would come out as `A`. As a number,
    // the ampersand is decoded once. (Text in CDATA would suffer; libvirt writes none.)
    root = create(xml.replaceAll('&amp;', '&#38;')).root().node
  } catch (cause) {
    throw new XmlError('not an XML document', { cause })
  }
  if (!isElement(root)) throw new XmlError('an XML document without an element')
  return root
}
