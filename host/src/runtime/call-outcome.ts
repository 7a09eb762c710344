import type { MachineError } from '@mcm/sdk'
import { type DriverMethod, methodCodes } from '@mcm/sdk/contract'

/** Whether a call failed. What a caller takes for an answer, such as `NotFound` of a look, is no failure. */
export function isFailure(method: DriverMethod, { code }: MachineError): boolean {
  return !methodCodes[method].some((row) => row.code === code && row.retry === 'never')
}
