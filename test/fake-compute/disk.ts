import type { DiskResource, InstanceResource } from './instance.ts'
import { linkBase, type Place, zonePath } from './place.ts'

/** A persistent disk. */
export interface FakeDisk {
  project: string
  zone: string
  resource: {
    [field: string]: unknown
    name: string
    id: string
    selfLink: string
    users: string[]
  }
}

/** Makes the persistent disks that an instance asks for, and attaches them. */
export function makeDisks(
  id: () => string,
  place: Place,
  body: InstanceResource,
  instance: InstanceResource,
): FakeDisk[] {
  const { project, zone } = place
  return (body.disks ?? []).flatMap(({ type, initializeParams }, i): FakeDisk[] => {
    if (type === 'SCRATCH' || !initializeParams) return []
    const name = initializeParams.diskName ?? (i === 0 ? body.name : `${body.name}-${i}`)
    const selfLink = `${linkBase}${zonePath(place)}/disks/${name}`
    const sizeGb = String(initializeParams.diskSizeGb ?? 10)
    const attached: DiskResource = { ...instance.disks?.[i], source: selfLink }
    instance.disks?.splice(i, 1, Object.assign(attached, { diskSizeGb: sizeGb }))
    const { diskType = `${zonePath(place)}/diskTypes/pd-standard`, sourceImage, labels } = initializeParams
    return [
      {
        project,
        zone,
        resource: {
          kind: 'compute#disk',
          id: id(),
          name,
          selfLink,
          zone: linkBase + zonePath(place),
          status: 'READY',
          type: diskType,
          sizeGb,
          users: [String(instance.selfLink)],
          creationTimestamp: new Date().toISOString(),
          ...(sourceImage !== undefined && { sourceImage }),
          ...(labels && { labels }),
        },
      },
    ]
  })
}
