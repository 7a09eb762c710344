import { readXml, type XmlElement } from './read-xml.ts'
import { type Element, element, elementIn, writeXml } from './xml.ts'

/** The namespace of our element in a domain's metadata, and the prefix that stands for it. */
export const tagsNamespace = 'https://mcm.dev/xmlns/libvirt/1'
export const tagsPrefix = 'mcm'

/** A file that belongs to the machine alone and goes when it goes: undefining a domain deletes none of them. */
export interface OwnedFile {
  readonly kind: 'disk' | 'seed' | 'console'
  readonly path: string
}

/** Whose domain it is, and what to clean up with it. Kept in the domain itself, so it cannot get lost. */
export interface MachineTags {
  readonly cluster: string
  readonly machine: string
  readonly namespace: string
  readonly machineClass: string
  readonly extra: Readonly<Record<string, string>>
  readonly files: readonly OwnedFile[]
}

/** For a domain definition: the element with its namespace. */
export function tagsElement(tags: MachineTags): Element {
  return build(tags, (name, attributes, ...content) =>
    elementIn(tagsNamespace, `${tagsPrefix}:${name}`, attributes, ...content),
  )
}

/** For `domains.setMetadata`: the element without a namespace, which libvirt adds. */
export function tagsXml(tags: MachineTags): string {
  return writeXml(build(tags, element))
}

/** Reads what `domains.metadata` gives. */
export function readTags(xml: string): MachineTags {
  return tagsFrom(readXml(xml, rootName))
}

/** The tags in the metadata of a whole definition. `undefined` when the domain is not ours. */
export function findTags(domain: XmlElement): MachineTags | undefined {
  const root = domain.find('metadata')?.all(rootName, tagsNamespace)[0]
  return root && tagsFrom(root)
}

const rootName = 'machine'

function build(tags: MachineTags, make: typeof element): Element {
  const { cluster, machine, namespace, machineClass, extra, files } = tags
  return make(
    rootName,
    { cluster, name: machine, namespace, class: machineClass },
    ...Object.entries(extra).map(([key, value]) => make('tag', { key }, value)),
    ...files.map(({ kind, path }) => make('file', { kind }, path)),
  )
}

function tagsFrom(root: XmlElement): MachineTags {
  const tags = root.all('tag').map((tag) => [tag.attribute('key') ?? '', tag.text] as const)
  return {
    cluster: root.attribute('cluster') ?? '',
    machine: root.attribute('name') ?? '',
    namespace: root.attribute('namespace') ?? '',
    machineClass: root.attribute('class') ?? '',
    extra: Object.fromEntries(tags),
    files: root.all('file').flatMap((file) => {
      const kind = fileKinds.find((known) => known === file.attribute('kind'))
      return kind ? [{ kind, path: file.text }] : []
    }),
  }
}

const fileKinds = ['disk', 'seed', 'console'] as const
