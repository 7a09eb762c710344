/** Where a request works, and who makes it. */
export interface Place {
  project: string
  zone: string
  /** E-mail address of the caller. */
  user: string
}

/** `projects/p/zones/z` */
export function zonePath({ project, zone }: Pick<Place, 'project' | 'zone'>): string {
  return `projects/${project}/zones/${zone}`
}

export function regionOf(zone: string): string {
  return zone.replace(/-[^-]*$/, '')
}

/** What the URLs of all resources begin with, whatever the address at which Compute was asked. */
export const linkBase = 'https://www.googleapis.com/compute/v1/'
