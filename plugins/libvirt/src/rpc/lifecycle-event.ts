import type { DomainRef } from './procedures.ts'

/** Details by number, for each event by number: the order is libvirt's. */
const events = [
  ['defined', ['added', 'updated', 'renamed', 'from-snapshot']],
  ['undefined', ['removed', 'renamed']],
  ['started', ['booted', 'migrated', 'restored', 'from-snapshot', 'wakeup']],
  [
    'suspended',
    [
      'paused',
      'migrated',
      'io-error',
      'watchdog',
      'restored',
      'from-snapshot',
      'api-error',
      'postcopy',
      'postcopy-failed',
    ],
  ],
  ['resumed', ['unpaused', 'migrated', 'from-snapshot', 'postcopy', 'postcopy-failed']],
  ['stopped', ['shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot']],
  ['shutdown', ['finished', 'guest', 'host']],
  ['pmsuspended', ['memory', 'disk']],
  ['crashed', ['panicked', 'crashloaded']],
] as const

type Row = (typeof events)[number]
type Kinds = { [R in Row as R[0]]: { readonly event: R[0]; readonly detail: R[1][number] | 'unknown' } }[Row[0]]

/** What happened to a domain: `{ event: 'stopped', detail: 'failed', domain }` when its QEMU was killed. */
export type LifecycleEvent = (Kinds | { readonly event: 'unknown'; readonly detail: 'unknown' }) & {
  readonly domain: DomainRef
}

export function lifecycleEvent(domain: DomainRef, event: number, detail: number): LifecycleEvent {
  const row = events[event]
  if (!row) return { domain, event: 'unknown', detail: 'unknown' }
  const [name, details] = row
  // The detail comes from the row of its event, which the compiler cannot follow through two lookups.
  return { domain, event: name, detail: details[detail] ?? 'unknown' } as LifecycleEvent
}
