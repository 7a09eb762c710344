import { invalid } from './api-error.ts'

/** What a URL in a request or an answer names. */
export interface Link {
  project: string
  /** `zones/z`, `regions/r` or `global`. */
  scope: string
  collection: string
  name: string
}

/** Reads a URL, whole or partial, that names a resource of a collection. Compute takes no bare names. */
export function parseLink(url: unknown, collection: string, project: string, field: string): Link {
  const pattern =
    /^(?:https?:\/\/[^/]+\/compute\/v1\/)?(?:projects\/([^/]+)\/)?((?:zones|regions)\/[^/]+|global)\/([^/]+)\/((?:family\/)?[^/]+)$/
  const [, owner = project, scope = '', found, name = ''] = pattern.exec(String(url ?? '')) ?? []
  if (found !== collection) throw invalid(field, url, 'The URL is malformed.')
  return { project: owner, scope, collection, name }
}

/** `projects/p/zones/z/instances/i`, as error texts name a resource. */
export function pathOf({ project, scope, collection, name }: Link): string {
  return `projects/${project}/${scope}/${collection}/${name}`
}
