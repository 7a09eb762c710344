export { type Disk, type DomainDefinition, domainXml, type Network, type PortForward } from './domain-xml.ts'
export { macAddress } from './mac-address.ts'
export { type MachineTags, type OwnedFile, readTags, tagsNamespace, tagsPrefix, tagsXml } from './machine-tags.ts'
export { type PoolDefinition, type PoolFacts, poolXml, readPool } from './pool-xml.ts'
export { type DomainFacts, readDomain } from './read-domain.ts'
export {
  emptyVolumeXml,
  type OverlayDefinition,
  overlayVolumeXml,
  rawVolumeXml,
  readVolume,
  type VolumeDefinition,
  type VolumeFacts,
} from './volume-xml.ts'
export { XmlError } from './xml.ts'
