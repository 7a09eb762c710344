/** Reasons by number, for each state by number: the order is libvirt's. */
const states = [
  ['nostate', ['unknown']],
  [
    'running',
    [
      'unknown',
      'booted',
      'migrated',
      'restored',
      'from-snapshot',
      'unpaused',
      'migration-canceled',
      'save-canceled',
      'wakeup',
      'crashed',
      'postcopy',
      'postcopy-failed',
    ],
  ],
  ['blocked', ['unknown']],
  [
    'paused',
    [
      'unknown',
      'user',
      'migration',
      'save',
      'dump',
      'io-error',
      'watchdog',
      'from-snapshot',
      'shutting-down',
      'snapshot',
      'crashed',
      'starting-up',
      'postcopy',
      'postcopy-failed',
      'api-error',
    ],
  ],
  ['shutdown', ['unknown', 'user']],
  [
    'shutoff',
    ['unknown', 'shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot', 'daemon'],
  ],
  ['crashed', ['unknown', 'panicked']],
  ['pmsuspended', ['unknown']],
] as const

type Row = (typeof states)[number]

/** What a domain is doing and why: `{ state: 'shutoff', reason: 'crashed' }`. */
export type DomainState = { [R in Row as R[0]]: { readonly state: R[0]; readonly reason: R[1][number] } }[Row[0]]

/** Numbers that a newer libvirt has added become 'nostate' and 'unknown'. */
export function domainState(state: number, reason: number): DomainState {
  const [name, reasons] = states[state] ?? states[0]
  // The reason comes from the row of its state, which the compiler cannot follow through two lookups.
  return { state: name, reason: reasons[reason] ?? 'unknown' } as DomainState
}
