/** What the cloud offers. Small on purpose: enough for every kind of wrong choice to be possible. */
export const catalog = {
  /** Zones by region. */
  regions: {
    'eu-1': ['eu-1a', 'eu-1b', 'eu-1c'],
    'us-1': ['us-1a', 'us-1b'],
  },
  machineTypes: {
    'small-1': { cpus: 1, memoryGiB: 2 },
    'medium-2': { cpus: 2, memoryGiB: 8 },
    'large-4': { cpus: 4, memoryGiB: 16 },
    'xlarge-16': { cpus: 16, memoryGiB: 64 },
  },
  images: {
    'linux-1': { minDiskGiB: 10 },
    'linux-2': { minDiskGiB: 10 },
    'linux-big-1': { minDiskGiB: 100 },
  },
} as const

/** Looks a name up in a part of the catalog. */
export function offered<T>(part: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(part, name) ? part[name] : undefined
}
