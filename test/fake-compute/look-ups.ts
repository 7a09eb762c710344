import { notFound } from './api-error.ts'
import type { MethodCall, Run } from './methods.ts'
import { listOf } from './page.ts'
import { linkBase, regionOf, zonePath } from './place.ts'

interface Item {
  name: string
  selfLink: string
  [field: string]: unknown
}

/** What there is to look at, by collection: the kind of an item, which is the parameter of its name, too. */
const collections: Record<string, { kind: string; items(call: MethodCall): Item[] }> = {
  zones: {
    kind: 'zone',
    items: ({ cloud, place: { project } }) => {
      return [...cloud.catalogue.regions].flatMap(([region, zones]) => {
        const link = `${linkBase}projects/${project}/regions/${region}`
        return zones.map((name) => item('zone', `projects/${project}/zones/${name}`, { region: link, status: 'UP' }))
      })
    },
  },
  regions: {
    kind: 'region',
    items: ({ cloud, place: { project } }) => {
      return [...cloud.catalogue.regions].map(([name, zones]) => {
        const links = zones.map((zone) => `${linkBase}projects/${project}/zones/${zone}`)
        return item('region', `projects/${project}/regions/${name}`, { zones: links, status: 'UP', quotas: [] })
      })
    },
  },
  machineTypes: {
    kind: 'machineType',
    items: ({ cloud, place }) => {
      return [...cloud.catalogue.machineTypes].map(([name, type]) => {
        return item('machineType', `${zonePath(place)}/machineTypes/${name}`, { ...type, zone: place.zone })
      })
    },
  },
  diskTypes: {
    kind: 'diskType',
    items: ({ cloud, place }) => {
      return [...cloud.catalogue.diskTypes].map((name) => {
        return item('diskType', `${zonePath(place)}/diskTypes/${name}`, { zone: linkBase + zonePath(place) })
      })
    },
  },
  images: {
    kind: 'image',
    items: ({ cloud, place: { project } }) => {
      return [...cloud.catalogue.images].flatMap(([key, image]) => {
        const [owner, name] = key.split('/')
        return owner === project ? [item('image', `projects/${project}/global/images/${name}`, { ...image })] : []
      })
    },
  },
  networks: {
    kind: 'network',
    items: ({ cloud, place: { project } }) => {
      return [...cloud.catalogue.networks].map((name) => item('network', `projects/${project}/global/networks/${name}`))
    },
  },
  subnetworks: {
    kind: 'subnetwork',
    items: ({ cloud, place: { project, zone }, params }) => {
      const path = `projects/${project}/regions/${params.region ?? regionOf(zone)}`
      return [...cloud.catalogue.subnetworks].map(([name, { network }]) => {
        const link = `${linkBase}projects/${project}/global/networks/${network}`
        return item('subnetwork', `${path}/subnetworks/${name}`, { network: link, region: linkBase + path })
      })
    },
  },
}

/** `get` and `list` of what can only be looked at. */
export const lookUps = Object.entries(collections).flatMap(([collection, { kind, items }]): [string, Run][] => [
  [
    `${collection}.get`,
    (call) => {
      const name = call.params[kind] ?? ''
      const found = items(call).find((one) => one.name === name)
      if (!found) throw notFound(`projects/${call.place.project}/${collection}/${name}`)
      return found
    },
  ],
  [`${collection}.list`, (call) => listOf(kind, items(call), call.params, call.cloud.behaviour)],
])

/** Its id is nobody's business: it has always been there. */
function item(kind: string, path: string, rest: object = {}): Item {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const always = { id: '1', creationTimestamp: '2026-01-01T00:00:00.000-08:00' }
  return { kind: `compute#${kind}`, name, selfLink: linkBase + path, ...always, ...rest }
}
