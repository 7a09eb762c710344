import { isIP } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import type { DescMessage, DescMethodUnary, MessageShape } from '@bufbuild/protobuf'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import {
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { decodeError, statusDetailsTrailer } from '../contract/error-detail.ts'
import { Driver } from '../contract/gen/mcm/driver/v1/driver_pb.ts'
import {
  ListPluginsRequestSchema,
  type ListPluginsResponse,
  Plugins,
  ReloadPluginsRequestSchema,
  type ReloadPluginsResponse,
} from '../contract/gen/mcm/driver/v1/plugins_pb.ts'
import { driverMethods, requestFromPlain, responseToPlain } from '../contract/methods.ts'
import { MachineError } from '../errors/machine-error.ts'
import type { CallOptions, DriverClient, DriverMethod } from '../model/driver.ts'

/** How {@link connectDriver} connects. */
export interface ConnectOptions {
  /** TLS with a client certificate. Without `tls` and `credentials` there is no TLS, which suits Unix sockets. */
  tls?: TlsIdentity
  /** Instead of `tls`, whatever grpc-js has. */
  credentials?: ChannelCredentials
  /** Largest message in bytes, both ways. Default 16 MiB; user data makes requests large. */
  maxMessageBytes?: number
}

/** For TLS, all PEM. */
export interface TlsIdentity {
  /** Who signed the host's certificate. */
  ca: Uint8Array | string
  /** Own certificate. */
  cert?: Uint8Array | string
  /** Its key. */
  key?: Uint8Array | string
}

/** A connected client of the driver contract. Close it when done. */
export interface ConnectedDriver extends DriverClient, AsyncDisposable {
  /** What plugins the host has. */
  listPlugins(options?: CallOptions): Promise<ListPluginsResponse>
  /**
   * Has the host look for plugins again and go over to what is there now, without failing a call.
   *
   * `canaryPercent` is the share of the calls that a new version gets until it has proven itself, above 0 and below 100.
   * Default: all at once. Fails with `InvalidArgument` for a share that is none.
   */
  reloadPlugins(request?: { canaryPercent?: number }, options?: CallOptions): Promise<ReloadPluginsResponse>
  /** Closes the connection; calls in flight are cancelled. */
  close(): void
}

/**
 * Connects to a host over gRPC. Nothing is sent before the first call.
 *
 * @param endpoint `unix:///path` or `host:port`.
 * @example
 * await using driver = connectDriver('unix:///run/mcm/host.sock')
 * const { providerID } = await driver.createMachine({ machine, machineClass, secret }, { signal })
 */
export function connectDriver(endpoint: string, options: ConnectOptions = {}): ConnectedDriver {
  const { maxMessageBytes = 16 * 1024 * 1024 } = options
  const channelOptions: ChannelOptions = {
    'grpc.max_receive_message_length': maxMessageBytes,
    'grpc.max_send_message_length': maxMessageBytes,
  }
  if (options.tls && ipOf(endpoint)) channelOptions['grpc.ssl_target_name_override'] = nameInsteadOfIp
  const secure = options.tls ? tlsCredentials(options.tls, ipOf(endpoint)) : credentials.createInsecure()
  const client = new Client(endpoint, options.credentials ?? secure, channelOptions)
  const methods = driverMethods.map((method) => [
    method,
    async (request: object, callOptions?: CallOptions) => {
      const response = await call(client, endpoint, Driver.method[method], encoded(method, request), callOptions)
      return responseToPlain(method, response)
    },
  ])
  const close = () => client.close()
  return {
    // The table has a function for each method; its types are those of the contract.
    ...(Object.fromEntries(methods) as DriverClient),
    listPlugins: async (callOptions) => {
      const request = create(ListPluginsRequestSchema)
      return await call(client, endpoint, Plugins.method.listPlugins, request, callOptions)
    },
    reloadPlugins: async ({ canaryPercent = 0 } = {}, callOptions) => {
      const request = create(ReloadPluginsRequestSchema, { canaryPercent })
      return await call(client, endpoint, Plugins.method.reloadPlugins, request, callOptions)
    },
    close,
    [Symbol.asyncDispose]: async () => close(),
  }
}

function encoded(method: DriverMethod, request: object): MessageShape<DescMessage> {
  try {
    return requestFromPlain(method, request)
  } catch (error) {
    throw new MachineError('InvalidArgument', (error as Error).message, { source: 'host', cause: error })
  }
}

async function call(
  client: Client,
  endpoint: string,
  method: DescMethodUnary<DescMessage, DescMessage>,
  request: object,
  { signal, deadlineMs, requestId }: CallOptions = {},
): Promise<never> {
  if (signal?.aborted) throw new MachineError('Canceled', 'the call was cancelled before it began', { source: 'host' })
  const metadata = new Metadata()
  if (requestId !== undefined) metadata.set('x-request-id', requestId)
  return await new Promise((resolve, reject) => {
    const running = client.makeUnaryRequest(
      `/${method.parent.typeName}/${method.name}`,
      (message: object) => Buffer.from(toBinary(method.input, message as never)),
      (bytes: Buffer) => fromBinary(method.output, bytes),
      request,
      metadata,
      deadlineMs === undefined ? {} : { deadline: deadlineMs },
      (error: ServiceError | null, response?: object) => {
        signal?.removeEventListener('abort', cancel)
        if (error) reject(machineErrorOf(error, endpoint))
        else resolve(response as never)
      },
    )
    const cancel = () => running.cancel()
    signal?.addEventListener('abort', cancel, { once: true })
  })
}

function machineErrorOf({ code, details, metadata }: ServiceError, endpoint: string): MachineError {
  const [detail] = metadata.get(statusDetailsTrailer)
  if (detail instanceof Buffer) return decodeError({ code, message: details, details: detail })
  // Not from a driver: the library's own, about the host or the way to it.
  if (code === status.UNAVAILABLE && /^(No connection established|Name resolution failed)/.test(details)) {
    const why = /Last error: (?:Error: )?(.*?)(?: \(\d{4}-[^)]*\))?\s*\. Resolution note/s.exec(details)?.[1] ?? details
    // OpenSSL's own words are between the places in its source.
    const short = /:SSL routines:[^:]*:([^:]+):/.exec(why)?.[1] ?? why.trim()
    return new MachineError('Unavailable', `no host answers at ${endpoint}: ${short}`, {
      source: 'host',
      reason: 'HOST_UNREACHABLE',
    })
  }
  const { code: name, message } = decodeError({ code, message: details })
  return new MachineError(name === 'OK' ? 'Unknown' : name, message, { source: 'host' })
}

/**
 * grpc-js always sends the host's name for the server to choose a certificate by; an IP address is not allowed there,
 * and Node refuses it. So another name is sent, and the certificate is still checked against the address.
 */
function tlsCredentials({ ca, cert, key }: TlsIdentity, ip: string | undefined): ChannelCredentials {
  const [root, privateKey, chain] = [ca, key, cert].map((pem) => (pem === undefined ? null : Buffer.from(pem)))
  const check = ip ? { checkServerIdentity: (_: string, peer: PeerCertificate) => checkServerIdentity(ip, peer) } : {}
  return credentials.createSsl(root, privateKey, chain, check)
}

const nameInsteadOfIp = 'mcm-host'

function ipOf(endpoint: string): string | undefined {
  const host = /^\[?([^\]]*?)\]?:\d+$/.exec(endpoint)?.[1] ?? ''
  return isIP(host) ? host : undefined
}
