import type { DescMessage, MessageShape } from '@bufbuild/protobuf'
import { type CallOptions, type DriverClient, type DriverMethod, MachineError } from '@mcm/sdk'
import { requestToPlain, responseFromPlain } from '@mcm/sdk/contract'

/**
 * One call of the Driver service, from message to message, the same for every protocol. Rejects with a MachineError
 * and nothing else.
 */
export async function callDriver(
  driver: DriverClient,
  method: DriverMethod,
  message: MessageShape<DescMessage>,
  options: CallOptions,
): Promise<MessageShape<DescMessage>> {
  try {
    // Each method takes the request of its own name; the compiler cannot see that for a method that it does not know.
    const call = driver[method] as (request: object, options: CallOptions) => Promise<object>
    return responseFromPlain(method, await call(requestToPlain(method, message), options))
  } catch (error) {
    throw MachineError.from(error)
  }
}
