import { type CallContext, type ClassCall, type Machine, MachineError, type SecretReader } from '@mcm/sdk'
import { type CloudClient, CloudError, cloudErrors, connectCloud, type OperationOptions } from '../cloud/index.ts'
import type { FakeSpec } from '../provider-spec.ts'
import type { FakeSecretKey } from '../secret-keys.ts'

/** A call about one Machine, or, without one, about a class. */
export type FakeCall = ClassCall<FakeSpec, FakeSecretKey> & { machine?: Machine }

/** The methods that reach the cloud, and whether they change something there. */
const methods = {
  createMachine: true,
  initializeMachine: true,
  deleteMachine: true,
  getMachineStatus: false,
  listMachines: false,
}

/** Does the work of one call with the cloud of its endpoint and credential. Errors of the cloud become those of the contract. */
export async function inCloud<T>(
  method: keyof typeof methods,
  { machine, spec, secret }: FakeCall,
  context: CallContext,
  work: (cloud: CloudClient, options: OperationOptions) => Promise<T>,
): Promise<T> {
  const name = machine?.metadata.name
  const caller = { method, isChanging: methods[method], ...(name !== undefined && { machine: name }) }
  try {
    const options = { signal: context.signal, caller, send: context.cloudRequest }
    return await work(await clientFor(spec, secret, context), options)
  } catch (error) {
    throw error instanceof CloudError ? machineErrorOf(error, `${method} in ${spec.region}`, machine) : error
  }
}

function clientFor(spec: FakeSpec, secret: SecretReader<FakeSecretKey>, context: CallContext): Promise<CloudClient> {
  const token = secret.text('token')
  return context.client(
    [spec.endpoint ?? '', token],
    (signal) => connectCloud({ endpoint: spec.endpoint, token, signal }),
    (client) => client.close(),
  )
}

function machineErrorOf(error: CloudError, doing: string, machine: Machine | undefined): MachineError {
  const { code, retryAfterMs, message } = error
  const { machineCode } = cloudErrors[code]
  const providerID = machine?.spec.providerID
  const nodeName = machine?.metadata.name
  return new MachineError(machineCode, `${doing}: ${message} (${code})`, {
    source: 'cloud',
    reason: code,
    cause: error,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    // The contract wants both with this code; a node of this cloud has the name of its Machine.
    ...(machineCode === 'Uninitialized' && providerID && nodeName && { providerID, nodeName }),
  })
}
