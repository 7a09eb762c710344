import {
  create,
  type DescFile,
  type DescMethod,
  type DescService,
  fromBinary,
  fromJsonString,
  type MessageInitShape,
  toBinary,
  toJsonString,
} from '@bufbuild/protobuf'
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt'
import { type handleBidiStreamingCall, type Server, status } from '@grpc/grpc-js'
import {
  Driver,
  Health,
  Plugins,
  ServerReflection,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
  StatusSchema,
} from '@mcm/sdk/contract'

/**
 * Adds server reflection, so that any client can learn the contract, the error details included.
 *
 * Not a library's: that of grpc-js's authors rebuilds the descriptors and loses the JSON names on the way, so that
 * clients would write `providerId` where Kubernetes has `providerID`. This serves the descriptors as they are.
 */
export function addReflection(server: Server): void {
  const index = new DescriptorIndex([Driver, Plugins, Health, ServerReflection], [StatusSchema.file])
  const [method] = ServerReflection.methods
  if (!method) return
  // Version 1 was called v1alpha before, with the same messages; many clients ask for it only.
  for (const service of [ServerReflection.typeName, alphaName(ServerReflection.typeName)]) {
    const definition = { info: { path: `/${service}/${method.name}`, ...streamOf(method) } }
    server.addService(definition, { info: answerAll(index) })
  }
}

function streamOf(method: DescMethod) {
  return {
    requestStream: true,
    responseStream: true,
    requestSerialize: (message: ServerReflectionRequest) => Buffer.from(toBinary(method.input, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes) as ServerReflectionRequest,
    responseSerialize: (message: ServerReflectionResponse) => Buffer.from(toBinary(method.output, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes) as ServerReflectionResponse,
  }
}

function answerAll(index: DescriptorIndex): handleBidiStreamingCall<ServerReflectionRequest, ServerReflectionResponse> {
  return (call) => {
    call.on('data', (request: ServerReflectionRequest) => {
      call.write(
        create(ServerReflectionResponseSchema, {
          validHost: request.host,
          originalRequest: request,
          messageResponse: index.answer(request.messageRequest),
        }),
      )
    })
    call.on('end', () => call.end())
    call.on('error', () => call.end())
  }
}

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>

/** What reflection can be asked about. */
class DescriptorIndex {
  readonly #services: readonly string[]
  readonly #byName = new Map<string, FileDescriptorProto>()
  readonly #bySymbol = new Map<string, FileDescriptorProto>()

  constructor(services: readonly DescService[], files: readonly DescFile[]) {
    this.#services = [...services.map(({ typeName }) => typeName), alphaName(ServerReflection.typeName)].sort()
    for (const file of [...services.map((service) => service.file), ...files]) this.#add(file)
    const reflection = ServerReflection.file.proto
    this.#index(
      fromJsonString(FileDescriptorProtoSchema, alphaName(toJsonString(FileDescriptorProtoSchema, reflection))),
    )
  }

  answer(request: ServerReflectionRequest['messageRequest']): Answer {
    switch (request.case) {
      case 'listServices':
        return { case: 'listServicesResponse', value: { service: this.#services.map((name) => ({ name })) } }
      case 'fileByFilename':
        return this.#file(this.#byName.get(request.value), request.value)
      case 'fileContainingSymbol':
        return this.#file(this.#bySymbol.get(request.value), request.value)
      case 'fileContainingExtension':
        return notFound(`extension ${request.value.extensionNumber} of ${request.value.containingType}`)
      case 'allExtensionNumbersOfType':
        if (!this.#bySymbol.has(request.value)) return notFound(request.value)
        return { case: 'allExtensionNumbersResponse', value: { baseTypeName: request.value } }
      default:
        return failure(status.INVALID_ARGUMENT, 'the request asks nothing')
    }
  }

  #file(file: FileDescriptorProto | undefined, name: string): Answer {
    if (!file) return notFound(name)
    // With what it imports, so that a client need not ask again.
    const files = new Set<FileDescriptorProto>()
    const add = (needed: FileDescriptorProto) => {
      for (const dependency of needed.dependency) {
        const imported = this.#byName.get(dependency)
        if (imported) add(imported)
      }
      files.add(needed)
    }
    add(file)
    // The file that was asked for goes first.
    const fileDescriptorProto = [...files].reverse().map((proto) => toBinary(FileDescriptorProtoSchema, proto))
    return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } }
  }

  #add(file: DescFile): void {
    if (this.#byName.has(file.proto.name)) return
    file.dependencies.forEach((dependency) => {
      this.#add(dependency)
    })
    this.#index(file.proto)
  }

  #index(file: FileDescriptorProto): void {
    this.#byName.set(file.name, file)
    const add = (scope: string, { name }: { name: string }) => {
      const symbol = scope === '' ? name : `${scope}.${name}`
      this.#bySymbol.set(symbol, file)
      return symbol
    }
    const addMessage = (scope: string, message: FileDescriptorProto['messageType'][number]) => {
      const symbol = add(scope, message)
      for (const part of [...message.field, ...message.oneofDecl, ...message.enumType]) add(symbol, part)
      for (const nested of message.nestedType) addMessage(symbol, nested)
    }
    for (const message of file.messageType) addMessage(file.package, message)
    for (const type of file.enumType) add(file.package, type)
    for (const service of file.service) {
      const symbol = add(file.package, service)
      for (const method of service.method) add(symbol, method)
    }
  }
}

function alphaName(text: string): string {
  return text
    .replaceAll('grpc.reflection.v1', 'grpc.reflection.v1alpha')
    .replaceAll('reflection/v1/', 'reflection/v1alpha/')
}

function notFound(what: string): Answer {
  return failure(status.NOT_FOUND, `this server does not know ${JSON.stringify(what.slice(0, 200))}`)
}

function failure(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } }
}
