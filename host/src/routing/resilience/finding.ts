import { MachineError } from '@mcm/sdk'
import type { Finding } from './circuit.ts'

/**
 * What the end of a call says about the cloud.
 *
 * Only `Unavailable` says that it is away or throttles: the contract has no other code for that. `ResourceExhausted`
 * is about one kind of machine, even with a time to come again, and must not keep others from being made or deleted.
 * What the plugin or the host did wrong, deadlines and cancellations say nothing about the cloud.
 */
export function findingOf(thrown: unknown): Finding {
  const error = MachineError.from(thrown)
  if (error.source !== 'cloud' || error.code === 'DeadlineExceeded') return { kind: 'nothing' }
  return error.code === 'Unavailable' ? { kind: 'away', error } : { kind: 'answered' }
}
