import type { Instance, Zone } from '../cloud/compute.ts'
import { isOwned, type OwnerTags } from '../spec/tags.ts'

/**
 * The VM of a name, in whatever state, if it has the tags of the class. Names are unique in a zone, so there are never
 * several.
 */
export async function findOwned(zone: Zone, name: string, tags: OwnerTags): Promise<Instance | undefined> {
  const vm = await zone.get(name)
  return vm && isOwned(vm.tags?.items, tags) ? vm : undefined
}
