import { readFile } from 'node:fs/promises'
import { driverMethods, methodName } from '../../contract/methods.ts'
import type { MachineError } from '../../errors/machine-error.ts'
import type { Target, TargetDescription } from '../target.ts'
import { SetupError } from './setup-error.ts'

// The client needs grpc-js, which is not there for everybody who has the SDK.
type Client = typeof import('../../client/driver-client.ts')
type ConnectedDriver = import('../../client/driver-client.ts').ConnectedDriver

/** Where a driver is, and by what it is to be believed. */
export interface EndpointOptions {
  endpoint: string
  tlsCa?: string
  tlsCert?: string
  tlsKey?: string
}

/** Any gRPC endpoint of the contract. */
export async function endpointTarget(options: EndpointOptions): Promise<Target & { close(): void }> {
  const { endpoint, tlsCa, tlsCert, tlsKey } = options
  if (!/^unix:(\/\/)?\/.|^[^/]+:\d+$/.test(endpoint)) {
    throw new SetupError(`${JSON.stringify(endpoint)} is no endpoint; use unix:///path or host:port`)
  }
  if (!tlsCa && (tlsCert || tlsKey)) throw new SetupError('--tls-cert and --tls-key need --tls-ca')
  if (!tlsCert !== !tlsKey) throw new SetupError('--tls-cert and --tls-key go together')
  const { connectDriver } = await loadClient()
  const own = tlsCert && tlsKey ? { cert: await read(tlsCert), key: await read(tlsKey) } : {}
  const tls = tlsCa ? { tls: { ca: await read(tlsCa), ...own } } : {}
  const driver = connectDriver(endpoint, tls)
  return {
    driver,
    place: endpoint,
    describe: (provider, signal) => describePlugin(driver, provider, signal),
    close: () => driver.close(),
  }
}

/** Loads the gRPC client. Says what to install where it cannot. */
export async function loadClient(): Promise<Client> {
  try {
    return await import('../../client/driver-client.ts')
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new SetupError('@grpc/grpc-js is not installed, which the gRPC client needs: npm i --save-dev @grpc/grpc-js')
  }
}

/** What an endpoint says of the plugin that serves a provider; `undefined` where it does not list plugins. */
export async function describePlugin(
  driver: ConnectedDriver,
  provider: string,
  signal: AbortSignal,
): Promise<TargetDescription | undefined> {
  const listed = await driver.listPlugins({ signal, deadlineMs: Date.now() + 30_000 }).catch((error: MachineError) => {
    if (error.code === 'Unimplemented') return undefined
    throw new SetupError(`the endpoint cannot be asked: ${error.message}`)
  })
  if (!listed) return undefined
  const plugin = listed.plugins.find(({ providers }) => providers.includes(provider))
  if (!plugin) {
    const there = listed.plugins.flatMap(({ providers }) => providers).join(', ') || 'none'
    throw new SetupError(`no plugin serves the provider ${provider} of the MachineClass; there are: ${there}`)
  }
  if (plugin.reason !== '') throw new SetupError(`${plugin.name} cannot be used: ${plugin.reason}`)
  const { name, version, providers, capabilities, secretKeys, instances } = plugin
  const sdkVersion = instances[0]?.sdkVersion
  return {
    name,
    version,
    providers,
    capabilities: [
      ...driverMethods.filter((method) => capabilities.includes(methodName(method))),
      // The host checks classes for every plugin.
      ...(capabilities.includes('ValidateMachineClass') ? [] : (['validateMachineClass'] as const)),
    ],
    requiredSecretKeys: secretKeys.flatMap((key) => (key.required ? [key.name] : [])),
    ...(sdkVersion && { sdkVersion }),
  }
}

async function read(file: string): Promise<Buffer> {
  return await readFile(file).catch((error: Error) => {
    throw new SetupError(`cannot read ${file}: ${error.message}`)
  })
}
