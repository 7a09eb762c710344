import { type CallContext, MachineError, waitFor } from '@mcm/sdk'
import type { Ec2 } from '../cloud/ec2.ts'
import { machineCodeOf } from '../cloud/error-table.ts'
import { isNotFound } from './find.ts'
import { isLive, isVm, type Vm } from './instance.ts'
import { formatProviderID } from './provider-id.ts'

/**
 * Waits until EC2 shows a VM that was just launched, and knows its DNS name. A launched VM may stay unseen for a while:
 * not every front end knows it at once. Gives up shortly before the call's deadline, with words of its own. The VM
 * stays: the next try finds it by its tags.
 */
export async function untilVisible(ec2: Ec2, region: string, launched: Vm, context: CallContext): Promise<Vm> {
  const { signal, deadlineMs } = context
  const id = launched.InstanceId
  let seen: Vm | undefined
  const look = async () => {
    seen = (await described(ec2, id)) ?? seen
    if (seen && !isLive(seen)) throw ended(seen)
    return seen && (seen.PrivateDnsName || launched.PrivateDnsName) ? seen : undefined
  }
  const timeoutMs = Math.max(1, Math.min(longestWaitMs, deadlineMs - Date.now() - partingMs))
  try {
    return await waitFor(look, { signal, what: `VM ${id}`, timeoutMs, intervalMs: 500, maxIntervalMs: 10_000 })
  } catch (error) {
    if (signal.aborted || !isTimeout(error)) throw error
    // Without a name only its creator can say what that means.
    if (seen) return seen
    const text = `creation of VM "${formatProviderID(region, id)}" failed, timed out waiting for eventual consistency. The next try looks for it by its tags`
    throw new MachineError('Internal', text, { source: 'cloud', retry: 'soon' })
  }
}

async function described(ec2: Ec2, id: string): Promise<Vm | undefined> {
  try {
    return (await ec2.describeInstances('instance_get_by_id', { InstanceIds: [id] })).find(isVm)
  } catch (error) {
    // Other failures do not go away by waiting.
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** The reason of its end says what was lacking, in the words of EC2's error codes: `Server.InsufficientInstanceCapacity`. */
function ended({ InstanceId, State, StateReason, StateTransitionReason }: Vm): MachineError {
  const reason = StateReason?.Code?.split('.').at(-1) ?? ''
  const why = StateReason?.Message || StateTransitionReason || 'EC2 does not say why'
  const text = `VM ${InstanceId} was launched and is ${State?.Name} already: ${why}`
  return new MachineError(machineCodeOf(reason) ?? 'Internal', text, {
    source: 'cloud',
    ...(reason !== '' && { reason }),
  })
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError'
}

// Upstream's limit.
const longestWaitMs = 5 * 60_000
// Time for the error to reach the caller before the deadline does.
const partingMs = 1_000
