import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromJsonString } from '@bufbuild/protobuf'
import { MachineError } from '@mcm/sdk'
import { Driver, type DriverClient, type DriverMethod, requestToPlain } from '@mcm/sdk/contract'
import type { Observed } from './compare.ts'
import type { RecordedCase, RecordedInput } from './recorded-case.ts'
import type { ReplayServer } from './replay-server.ts'

/** Runs a case: through the contract's own JSON decoder, and the host, into the plugin. */
export async function play<Request>(
  driver: DriverClient,
  recorded: RecordedCase<Request>,
  server: ReplayServer<Request>,
): Promise<Observed<Request>> {
  const { input } = recorded
  const folder = mkdtempSync(join(tmpdir(), 'mcm-recorded-'))
  const before = { ...process.env }
  try {
    for (const [name, text] of Object.entries(input.files ?? {})) writeFileSync(join(folder, name), text)
    Object.assign(process.env, input.env)
    const observed = await call(driver, recorded, { files: folder, endpoint: server.url })
    return { ...observed, requests: server.observed, replies: server.answered }
  } finally {
    for (const name of Object.keys(input.env ?? {})) delete process.env[name]
    Object.assign(process.env, before)
    rmSync(folder, { recursive: true })
  }
}

async function call(driver: DriverClient, recorded: RecordedCase<unknown>, places: Record<string, string>) {
  const { method } = recorded
  const text = JSON.stringify(recorded.input).replaceAll(/\$\{(\w+)\}/g, (all, name: string) => places[name] ?? all)
  const input = JSON.parse(text) as RecordedInput
  const name = `${method[0]?.toLowerCase()}${method.slice(1)}` as DriverMethod
  const description = Driver.method[name]
  const signal = new AbortController().signal
  try {
    const message = fromJsonString(description.input, requestText(input, recorded.cloud.toUpperCase()))
    const run = driver[name] as (request: object, options: object) => Promise<object>
    const deadlineMs = Date.now() + (waitMs(recorded) ?? 30_000)
    return { response: await run(requestToPlain(name, message), { signal, deadlineMs }) }
  } catch (error) {
    // What is no request of the contract, its servers refuse in these words.
    if (!MachineError.is(error)) return { error: new MachineError('InvalidArgument', String(error)) }
    return { error }
  }
}

/** How long calls may take that wait in vain. The plugin's wait after a launch ends a second before the deadline. */
function waitMs({ id, input }: RecordedCase<unknown>): number | undefined {
  // Long enough to get to the point that is shown, on a busy machine too.
  if (input.deadlineMs !== undefined) return 2_000
  return id === 'create-no-dns' || input.consistencyWaitMs !== undefined ? 4_000 : undefined
}

/** The request as JSON text. A raw providerSpec goes in as it is. */
function requestText(
  { machineClass, providerSpecRaw, secret, machine, pvSpecs }: RecordedInput,
  provider: string,
): string {
  const placeholder = '"<providerSpec>"'
  const spec = providerSpecRaw === undefined ? {} : { providerSpec: '<providerSpec>' }
  const encoded = Object.entries(secret?.data ?? {}).map(([key, text]) => [key, Buffer.from(text).toString('base64')])
  const data = { ...Object.fromEntries(encoded), ...secret?.dataBase64 }
  const request = {
    ...(machine && { machine }),
    ...(machineClass && { machineClass: { ...machineClass, ...spec } }),
    ...(secret && { secret: { metadata: { name: 'secret', namespace: 'default' }, data } }),
    ...(pvSpecs !== undefined && { pvSpecs: pvSpecs ?? [], provider }),
  }
  return JSON.stringify(request).replace(placeholder, () => providerSpecRaw ?? placeholder)
}
