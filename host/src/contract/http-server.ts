import type { Server } from 'node:http'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import type { DescMethod } from '@bufbuild/protobuf'
import { Code, ConnectError, type ConnectRouter, cors, type HandlerContext } from '@connectrpc/connect'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { MachineError } from '@mcm/sdk'
import {
  Driver,
  driverMethods,
  ErrorDetailSchema,
  errorDetail,
  fittedErrorDetail,
  grpcCode,
  Health,
  Plugins,
  requestToPlain,
  responseFromPlain,
  HealthCheckResponse_ServingStatus as servingStatus,
} from '@mcm/sdk/contract'
import type { Certificates } from './certificates.ts'
import { callDriver } from './driver-service.ts'
import type { Services } from './grpc-server.ts'
import { formatListenAddress, isLoopback, type ListenAddress } from './listen-address.ts'
import type { Probes } from './probes.ts'

/** One address, with its connections: an HTTP/2 server does not know its own. */
interface Listener {
  server: Server | Http2SecureServer
  sockets: Set<Socket>
  sessions: Set<ServerHttp2Session>
}

/** How the HTTP server behaves. */
export interface HttpOptions {
  maxMessageBytes: number
  /** Web origins whose pages may call, for example `https://console.example`. */
  allowedOrigins: readonly string[]
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** The contract over HTTP, for curl and browsers: the Connect protocol with JSON, gRPC-Web, and gRPC. And {@link Probes}. */
export class HttpServer {
  readonly #services: Services
  readonly #probes: Probes
  readonly #options: HttpOptions
  readonly #handle: (request: never, response: never) => void
  readonly #listeners: Listener[] = []

  constructor(services: Services, probes: Probes, options: HttpOptions) {
    this.#services = services
    this.#probes = probes
    this.#options = options
    this.#handle = connectNodeAdapter({
      routes: (router) => this.#routes(router),
      readMaxBytes: options.maxMessageBytes,
      writeMaxBytes: options.maxMessageBytes,
      // A misspelt field would be lost without a word; the error names it.
      jsonOptions: { ignoreUnknownFields: false },
      fallback: (_request, response) => {
        response.writeHead(404, { 'content-type': 'text/plain' })
        response.end('not found; POST to /mcm.driver.v1.Driver/<method> or /mcm.driver.v1.Plugins/ListPlugins\n')
      },
    }) as (request: never, response: never) => void
  }

  /** Listens on a TCP address. @returns The address, with the port that the system chose. */
  async listen(address: ListenAddress & { kind: 'tcp' }, certificates?: Certificates): Promise<ListenAddress> {
    return await this.#listen(address, (request, response) => this.#guard(address, request, response), certificates)
  }

  /** Listens for {@link Probes} alone, without TLS: who asks them seldom has a certificate. @returns The address. */
  async listenForProbes(address: ListenAddress & { kind: 'tcp' }): Promise<ListenAddress> {
    return await this.#listen(address, (request, response) => {
      if (!isTrustedHost(address, request)) refuseHost(response)
      else if (!this.#probes.answer(request, response)) {
        response.writeHead(404, { 'content-type': 'text/plain' })
        response.end('not found; GET /healthz, /readyz or /metrics\n')
      }
    })
  }

  async #listen(
    address: ListenAddress & { kind: 'tcp' },
    handler: Handler,
    certificates?: Certificates,
  ): Promise<ListenAddress> {
    let server: Server | Http2SecureServer
    if (certificates) {
      const secure = createSecureServer({
        ...certificates.secureContext,
        allowHTTP1: true,
        requestCert: true,
        rejectUnauthorized: true,
      })
      secure.on('request', handler as never)
      certificates.onChange(() => secure.setSecureContext(certificates.secureContext))
      server = secure
    } else {
      server = createServer(handler)
    }
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    const sessions = new Set<ServerHttp2Session>()
    server.on('session', (session: ServerHttp2Session) => {
      sessions.add(session)
      session.once('close', () => sessions.delete(session))
    })
    this.#listeners.push({ server, sockets, sessions })
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(new Error(`cannot listen on ${formatListenAddress(address)}: ${error.message}`)),
      )
      server.listen(address.port, address.host, resolve)
    })
    const bound = server.address()
    return { ...address, port: typeof bound === 'object' && bound ? bound.port : address.port }
  }

  /** Closes connections when their calls have ended, at the latest when the signal aborts. */
  async close(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => closeServer(listener, signal)))
  }

  #guard(address: ListenAddress, request: IncomingMessage, response: ServerResponse): void {
    if (!isTrustedHost(address, request)) {
      refuseHost(response)
      return
    }
    if (!this.#allowOrigin(request, response)) return
    if (this.#probes.answer(request, response)) return
    // The library refuses it too, but without a word.
    if (
      request.method === 'POST' &&
      !/^application\/(json|proto|connect|grpc)/.test(request.headers['content-type'] ?? '')
    ) {
      response.writeHead(415, { 'content-type': 'text/plain' })
      response.end('send JSON with "content-type: application/json", or application/proto, gRPC-Web or gRPC\n')
      return
    }
    this.#handle(request as never, response as never)
  }

  /** @returns False when the request has been answered. */
  #allowOrigin(request: IncomingMessage, response: ServerResponse): boolean {
    const { origin } = request.headers
    if (origin === undefined) return true
    if (!this.#options.allowedOrigins.includes(origin)) {
      response.writeHead(403, { 'content-type': 'text/plain' })
      response.end(`pages of ${JSON.stringify(origin)} may not call this host; see http.allowedOrigins\n`)
      return false
    }
    response.setHeader('access-control-allow-origin', origin)
    response.setHeader('vary', 'origin')
    response.setHeader('access-control-expose-headers', cors.exposedHeaders.join(', '))
    if (request.method !== 'OPTIONS') return true
    response.setHeader('access-control-allow-methods', cors.allowedMethods.join(', '))
    response.setHeader('access-control-allow-headers', cors.allowedHeaders.join(', '))
    response.writeHead(204)
    response.end()
    return false
  }

  #routes(router: ConnectRouter): void {
    const { driver, plugins, status } = this.#services
    for (const method of driverMethods) {
      router.rpc(
        Driver.method[method] as DescMethod as never,
        (async (message: never, context: HandlerContext) => {
          const deadline = context.timeoutMs()
          const requestId = context.requestHeader.get('x-request-id')
          const options = {
            signal: context.signal,
            ...(deadline !== undefined && { deadlineMs: Date.now() + deadline }),
            ...(requestId !== null && { requestId }),
          }
          try {
            return responseFromPlain(method, await callDriver(driver, method, requestToPlain(method, message), options))
          } catch (error) {
            throw connectError(MachineError.from(error), context.protocolName)
          }
        }) as never,
      )
    }
    router.rpc(Plugins.method.listPlugins, () => plugins.list())
    router.rpc(Plugins.method.reloadPlugins, async (request, context) => {
      try {
        return await plugins.reload(request)
      } catch (error) {
        throw connectError(MachineError.from(error), context.protocolName)
      }
    })
    router.rpc(Health.method.check, ({ service }) => {
      const isServing = status.get(service)
      if (isServing === undefined) throw new ConnectError(`no plugin serves ${JSON.stringify(service)}`, Code.NotFound)
      return { status: isServing ? servingStatus.SERVING : servingStatus.NOT_SERVING }
    })
  }
}

async function closeServer({ server, sockets, sessions }: Listener, signal: AbortSignal): Promise<void> {
  if (!server.listening) return
  const force = () => {
    for (const socket of sockets) socket.destroy()
  }
  signal.addEventListener('abort', force, { once: true })
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    if ('closeIdleConnections' in server) server.closeIdleConnections()
    for (const session of sessions) session.close()
    if (signal.aborted) force()
  })
  signal.removeEventListener('abort', force)
}

function connectError(error: MachineError, protocol: string): ConnectError {
  const code: Code = grpcCode(error.code)
  // Only gRPC has the details in trailers, where there is little room.
  const fitted = protocol === 'grpc' ? fittedErrorDetail(error) : { message: error.message, detail: errorDetail(error) }
  return new ConnectError(fitted.message, code, undefined, [{ desc: ErrorDetailSchema, value: fitted.detail }])
}

function refuseHost(response: ServerResponse): void {
  response.writeHead(421, { 'content-type': 'text/plain' })
  response.end('this listener only answers requests for localhost\n')
}

/**
 * A web page can make its own name resolve to 127.0.0.1 and then call a listener on loopback as its own origin
 * (DNS rebinding). The Host header gives it away.
 */
function isTrustedHost(address: ListenAddress, { headers }: IncomingMessage): boolean {
  if (!isLoopback(address)) return true
  const host = headers.host ?? String(headers[':authority'] ?? '')
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host)
}
