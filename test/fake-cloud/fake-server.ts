import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Fault } from './fault-plan.ts'

/** A request that has come in whole. */
export interface Received {
  method: string
  url: URL
  headers: IncomingHttpHeaders
  body: string
}

export interface Answer {
  status: number
  contentType: string
  body: string
}

/** How a request is to be served: what goes wrong with its connection, and what answers it. */
export interface Served {
  fault: Pick<Fault, 'cut' | 'delayMs'> | undefined
  answer(): Answer | Promise<Answer>
}

/** The HTTP server of a fake cloud, on a port of its own. */
export class FakeServer implements AsyncDisposable {
  readonly #server = createServer((request, response) => void this.#respond(request, response))
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #serve: (received: Received) => Served
  url = ''

  private constructor(serve: (received: Received) => Served) {
    this.#serve = serve
  }

  static async start(serve: (received: Received) => Served): Promise<FakeServer> {
    const fake = new FakeServer(serve)
    fake.#server.listen(0, '127.0.0.1')
    await once(fake.#server, 'listening')
    const address = fake.#server.address()
    fake.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    return fake
  }

  /** Runs something later, unless the server ends before. */
  later(delayMs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      run()
    }, delayMs)
    this.#timers.add(timer)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { fault, answer } = this.#serve({
      method: request.method ?? '',
      url: new URL(request.url ?? '', this.url),
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    })
    if (fault?.cut === 'before') {
      request.socket.destroy()
      return
    }
    const { status, contentType, body } = await answer()
    const send = () => {
      if (fault?.cut === 'after') request.socket.destroy()
      else response.writeHead(status, { 'content-type': contentType }).end(body)
    }
    if (fault?.delayMs === undefined) send()
    else this.later(fault.delayMs, send)
  }
}
