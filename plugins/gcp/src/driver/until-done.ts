import { type CallContext, MachineError, waitFor } from '@mcm/sdk'
import type { Operation, Zone } from '../cloud/compute.ts'
import { codeOfAnswer, codeOfOperation } from '../cloud/error-table.ts'

/**
 * Waits until an operation is done, and throws what went wrong in it. Gives up shortly before the call's deadline, with
 * words of its own; the operation goes on, and the next call finds what it has done.
 */
export async function untilDone(zone: Zone, operation: Operation, context: CallContext): Promise<void> {
  const { signal, deadlineMs } = context
  const { name = '' } = operation
  if (!name) throw new MachineError('Internal', 'Compute named no operation', { source: 'cloud', retry: 'soon' })
  let latest = operation
  const look = async (until: AbortSignal) => {
    if (latest.status !== 'DONE') latest = await zone.waitFor(name, until)
    return latest.status === 'DONE' ? latest : undefined
  }
  const timeoutMs = Math.max(1, deadlineMs - Date.now() - partingMs)
  // Compute waits itself; the pauses are for answers that come at once.
  const options = { signal, what: `operation ${name}`, timeoutMs, intervalMs: 250, maxIntervalMs: 5_000 }
  const done = await waitFor(look, options).catch((error: unknown) => {
    if (signal.aborted || !(error instanceof Error) || error.name !== 'TimeoutError') throw error
    const text = `timed out waiting for the operation ${name}, which is ${latest.status}`
    throw new MachineError('DeadlineExceeded', text, { source: 'cloud', cause: error })
  })
  throwFailure(done)
}

/** What an operation that is done says went wrong: its errors, all of them, or else the status of its answer. */
function throwFailure({ error, httpErrorStatusCode, httpErrorMessage, name }: Operation): void {
  const errors = error?.errors ?? []
  if (!error && !(httpErrorStatusCode && httpErrorStatusCode >= 400)) return
  const texts = errors.flatMap(({ message, code }) => message || code || [])
  const codes = errors.flatMap(({ code }) => (code ? [code] : []))
  const text = texts.join('; ') || httpErrorMessage || `the operation ${name} failed, and does not say why`
  const [reason] = codes
  const code = codes.length > 0 ? codeOfOperation(codes) : codeOfAnswer(httpErrorStatusCode ?? 0, [])
  throw new MachineError(code, text, { source: 'cloud', ...(reason && { reason }) })
}

// Time for the error to reach the caller before the deadline does.
const partingMs = 1_000
