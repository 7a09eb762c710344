import type { CallOptions, DriverClient, DriverMethod } from '@mcm/sdk/contract'

/** One call of the Driver service, the same for every protocol: plain objects in and out. */
export async function callDriver(
  driver: DriverClient,
  method: DriverMethod,
  request: object,
  options: CallOptions,
): Promise<object> {
  // Each method takes the request of its own name; the compiler cannot see that for a method that it does not know.
  const call = driver[method] as (request: object, options: CallOptions) => Promise<object>
  return await call(request, options)
}
