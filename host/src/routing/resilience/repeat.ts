import type { MachineError } from '@mcm/sdk'
import { type DriverMethod, methodCodes } from '@mcm/sdk/contract'
import { backOffMs } from './back-off.ts'

/**
 * When the host may repeat a call that failed, by itself, so that its caller does not see what passes by itself.
 *
 * @param repeats How often it has been repeated.
 * @param leftMs How much time its caller leaves.
 * @returns Milliseconds to wait before that; `undefined` where the caller gets the error.
 */
export function repeatAfterMs(
  method: DriverMethod,
  error: MachineError,
  repeats: number,
  leftMs: number,
): number | undefined {
  const isPassing = error.source === 'cloud' || error.reason === 'PLUGIN_ENDED'
  if (!isPassing || repeats >= mostRepeats(error) || !isRepeatable(method, error)) return undefined
  const waitMs = Math.max(backOffMs(repeats + 1, repeatTimes), error.retryAfterMs ?? 0)
  return waitMs < Math.min(leftMs, mostWaitMs) ? waitMs : undefined
}

function isRepeatable(method: DriverMethod, { code }: MachineError): boolean {
  return methodCodes[method].some((entry) => entry.code === code && entry.isRepeated)
}

/** A call that ends its plugin may do so each time: alone it must not make the plugin look like one that keeps ending. */
function mostRepeats({ reason }: MachineError): number {
  return reason === 'PLUGIN_ENDED' ? 1 : 2
}

const repeatTimes = { firstMs: 200, mostMs: 1000 }
/** A caller that has to wait longer knows better what to do meanwhile. */
const mostWaitMs = 5000
