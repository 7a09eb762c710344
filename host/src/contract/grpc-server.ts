import { type DescMessage, type DescMethod, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf'
import { type handleUnaryCall, Metadata, Server, ServerCredentials, type ServiceDefinition } from '@grpc/grpc-js'
import { MachineError } from '@mcm/sdk'
import {
  type CallOptions,
  Driver,
  type DriverClient,
  type DriverMethod,
  decodeRequest,
  encodeError,
  methodName,
  Plugins,
  ReloadPluginsRequestSchema,
  responseFromPlain,
  statusDetailsTrailer,
} from '@mcm/sdk/contract'
import { HealthImplementation } from 'grpc-health-check'
import { hostError } from '../host-error.ts'
import type { Certificates } from './certificates.ts'
import { callDriver } from './driver-service.ts'
import { formatListenAddress, type ListenAddress } from './listen-address.ts'
import type { PluginsService } from './plugins-service.ts'
import { addReflection } from './reflection.ts'
import type { ServingStatus } from './serving-status.ts'
import { freeSocketPath } from './unix-socket.ts'

/** What a server of the contract serves. */
export interface Services {
  driver: DriverClient
  plugins: PluginsService
  status: ServingStatus
}

/** The contract over gRPC, with health and reflection. */
export class GrpcServer {
  readonly #server: Server

  constructor({ driver, plugins, status }: Services, maxMessageBytes: number) {
    this.#server = new Server({
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': maxMessageBytes,
    })
    addService(this.#server, Driver.methods, async ({ localName, output }, bytes, options) => {
      const method = localName as DriverMethod
      const response = await callDriver(driver, method, decode(method, bytes), options)
      return toBinary(output, responseFromPlain(method, response))
    })
    addService(this.#server, Plugins.methods, async ({ localName, output }, bytes) => {
      if (localName === 'listPlugins') return toBinary(output, plugins.list())
      return toBinary(output, await plugins.reload(decodeMessage(ReloadPluginsRequestSchema, bytes)))
    })
    const health = new HealthImplementation()
    status.onChange((service, isServing) => health.setStatus(service, isServing ? 'SERVING' : 'NOT_SERVING'))
    health.addToServer(this.#server)
    addReflection(this.#server)
  }

  /**
   * Listens on an address.
   *
   * @param certificates For TLS with client certificates; without, the connection is not encrypted.
   * @returns The address, with the port that the system chose.
   */
  async listen(address: ListenAddress, certificates?: Certificates): Promise<ListenAddress> {
    if (address.kind === 'unix') await freeSocketPath(address.path)
    const target = address.kind === 'unix' ? `unix:${address.path}` : formatListenAddress(address)
    const credentials = certificates?.grpcCredentials ?? ServerCredentials.createInsecure()
    return await new Promise((resolve, reject) => {
      this.#server.bindAsync(target, credentials, (error, port) => {
        if (error) reject(new Error(`cannot listen on ${formatListenAddress(address)}: ${error.message}`))
        else resolve(address.kind === 'unix' ? address : { ...address, port })
      })
    })
  }

  /** Closes connections when their calls have ended, at the latest when the signal aborts. */
  async close(signal: AbortSignal): Promise<void> {
    const force = () => this.#server.forceShutdown()
    signal.addEventListener('abort', force, { once: true })
    await new Promise<void>((resolve) => {
      this.#server.tryShutdown(() => resolve())
      if (signal.aborted) force()
    })
    signal.removeEventListener('abort', force)
  }
}

type Handler = (method: DescMethod, request: Uint8Array, options: CallOptions) => Promise<Uint8Array>

function addService(server: Server, methods: readonly DescMethod[], handle: Handler): void {
  const definition: Record<string, ServiceDefinition[string]> = {}
  const implementation: Record<string, handleUnaryCall<Buffer, Buffer>> = {}
  for (const method of methods) {
    definition[method.localName] = {
      path: `/${method.parent.typeName}/${method.name}`,
      requestStream: false,
      responseStream: false,
      // Bytes in, bytes out: a message that cannot be decoded gets the contract's error, not the library's.
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    }
    implementation[method.localName] = unaryHandler(method, handle)
  }
  server.addService(definition, implementation)
}

function unaryHandler(method: DescMethod, handle: Handler): handleUnaryCall<Buffer, Buffer> {
  return (call, callback) => {
    const controller = new AbortController()
    let isAnswered = false
    // grpc-js says so at the end of every call, and an abort costs a DOMException with its stack.
    call.on('cancelled', () => isAnswered || controller.abort())
    const deadline = call.getDeadline()
    const deadlineMs = deadline instanceof Date ? deadline.getTime() : deadline
    const [requestId] = call.metadata.get('x-request-id')
    const options = {
      signal: controller.signal,
      ...(Number.isFinite(deadlineMs) && { deadlineMs }),
      ...(typeof requestId === 'string' && { requestId }),
    }
    handle(method, call.request, options).then(
      (bytes) => {
        isAnswered = true
        callback(null, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
      },
      (error: unknown) => {
        isAnswered = true
        const { code, message, details } = encodeError(MachineError.from(error))
        const trailers = new Metadata()
        trailers.set(statusDetailsTrailer, Buffer.from(details))
        callback({ code, details: message, metadata: trailers })
      },
    )
  }
}

function decode(method: DriverMethod, bytes: Uint8Array): object {
  try {
    return decodeRequest(method, bytes)
  } catch (error) {
    throw hostError('REQUEST_MALFORMED', `this is no request of ${methodName(method)}: ${(error as Error).message}`)
  }
}

function decodeMessage<T extends DescMessage>(schema: T, bytes: Uint8Array): MessageShape<T> {
  try {
    return fromBinary(schema, bytes)
  } catch (error) {
    throw hostError('REQUEST_MALFORMED', `this is no ${schema.name}: ${(error as Error).message}`)
  }
}

const asIs = (bytes: Buffer) => bytes
