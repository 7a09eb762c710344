import { fileURLToPath } from 'node:url'
import {
  createFileRegistry,
  type FileRegistry,
  fromBinary,
  fromJson,
  type JsonValue,
  toBinary,
  toJson,
} from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { type ChannelCredentials, Client, credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

/**
 * A gRPC client that has never seen our code: it learns everything from server reflection, speaks plain grpc-js, and
 * writes its requests as JSON, as grpcurl does.
 */
export class Stranger {
  readonly #client: Client
  readonly #endpoint: string
  readonly #credentials: ChannelCredentials

  constructor(endpoint: string, channelCredentials = credentials.createInsecure()) {
    this.#endpoint = endpoint
    this.#credentials = channelCredentials
    this.#client = new Client(endpoint, channelCredentials)
  }

  async listServices(version: 'v1' | 'v1alpha' = 'v1'): Promise<string[]> {
    const answer = await this.#reflect({ listServices: '*' }, version)
    return answer.listServicesResponse.service.map(({ name }: { name: string }) => name).sort()
  }

  /** The contract, as the server describes it. */
  async learn(...symbols: string[]): Promise<FileRegistry> {
    const files = new Map<string, Uint8Array>()
    for (const symbol of symbols) {
      const answer = await this.#reflect({ fileContainingSymbol: symbol }, 'v1')
      if (answer.errorResponse) throw new Error(answer.errorResponse.errorMessage)
      for (const bytes of answer.fileDescriptorResponse.fileDescriptorProto as Uint8Array[]) {
        files.set(fromBinary(FileDescriptorProtoSchema, bytes).name, bytes)
      }
    }
    const set = {
      $typeName: FileDescriptorSetSchema.typeName,
      file: [...files.values()].map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes)),
    } as const
    // Descriptor sets have imports first; the order in which a server sends them is its own.
    const order = new Map(set.file.map((file) => [file.name, file]))
    const sorted = new Set<(typeof set.file)[number]>()
    const add = (file: (typeof set.file)[number]) => {
      for (const dependency of file.dependency) {
        const imported = order.get(dependency)
        if (imported) add(imported)
      }
      sorted.add(file)
    }
    set.file.forEach(add)
    return createFileRegistry({ ...set, file: [...sorted] })
  }

  /** Calls a method with a JSON request. */
  async call(registry: FileRegistry, service: string, method: string, request: JsonValue): Promise<JsonValue> {
    const descriptor = registry.getService(service)?.methods.find(({ name }) => name === method)
    if (!descriptor) throw new Error(`no ${service}/${method}`)
    const bytes = toBinary(descriptor.input, fromJson(descriptor.input, request, { registry }))
    return toJson(descriptor.output, fromBinary(descriptor.output, await this.send(`/${service}/${method}`, bytes)), {
      registry,
    })
  }

  /** Sends bytes, whatever they are. Rejects with grpc-js's error. */
  send(path: string, bytes: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        (value: Uint8Array) => Buffer.from(value),
        (value: Buffer) => new Uint8Array(value),
        bytes,
        (error, answer) => (error ? reject(error) : resolve(answer ?? new Uint8Array())),
      )
    })
  }

  /** The status of a failed call, as JSON, its details included. */
  statusOf(
    registry: FileRegistry,
    { code, details, metadata }: ServiceError,
  ): { code: number; message: string; status: JsonValue } {
    const [trailer] = metadata.get('grpc-status-details-bin')
    const schema = registry.getMessage('google.rpc.Status')
    if (!schema) throw new Error('reflection does not know google.rpc.Status')
    const status = trailer instanceof Buffer ? toJson(schema, fromBinary(schema, trailer), { registry }) : null
    return { code, message: details, status }
  }

  close(): void {
    this.#client.close()
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the reflection service answers has no types here
  #reflect(request: object, version: 'v1' | 'v1alpha'): Promise<any> {
    const file = new URL(
      `../../../node_modules/@grpc/reflection/build/proto/grpc/reflection/${version}/reflection.proto`,
      import.meta.url,
    )
    // biome-ignore lint/suspicious/noExplicitAny: a client without generated code
    const loaded = loadPackageDefinition(loadSync(fileURLToPath(file))) as any
    const client = new loaded.grpc.reflection[version].ServerReflection(this.#endpoint, this.#credentials)
    return new Promise((resolve, reject) => {
      const stream = client.serverReflectionInfo()
      stream.once('data', resolve)
      stream.once('error', reject)
      stream.write(request)
      stream.end()
    }).finally(() => client.close())
  }
}
