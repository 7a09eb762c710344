import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { RecordedCase, RecordedReply } from './recorded-case.ts'

/** How a cloud's requests are read. */
export interface Protocol<Request> {
  read(request: IncomingMessage, body: string): Request
  /** What requests are told apart by when one stands for another. */
  kindOf(request: Request): string
  /** Of answers that were recorded without. */
  contentType: string
}

/** Answers requests as they were answered when they were recorded, and keeps what came in. */
export class ReplayServer<Request> {
  readonly #protocol: Protocol<Request>
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  #url = ''
  #recorded: Pick<RecordedCase<Request>, 'requests' | 'replies'> = { requests: [], replies: [] }
  #extraReply: (request: Request) => RecordedReply = () => ({ status: 500, body: '' })
  #used = new Set<number>()
  /** What came in since {@link replay}. */
  observed: Request[] = []
  /** What was answered, in the same order. */
  answered: RecordedReply[] = []

  private constructor(protocol: Protocol<Request>) {
    this.#protocol = protocol
  }

  static async start<Request>(protocol: Protocol<Request>): Promise<ReplayServer<Request>> {
    const server = new ReplayServer<Request>(protocol)
    server.#server.listen(0, '127.0.0.1')
    await once(server.#server, 'listening')
    const address = server.#server.address()
    server.#url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    return server
  }

  get url(): string {
    return this.#url
  }

  /** From now on, answers as this case was answered. @param extraReply Answers what was never asked. */
  replay(recorded: RecordedCase<Request>, extraReply: (request: Request) => RecordedReply): void {
    this.#recorded = recorded
    this.#extraReply = extraReply
    this.#used = new Set()
    this.observed = []
    this.answered = []
  }

  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const seen = this.#protocol.read(request, Buffer.concat(chunks).toString())
    const reply = this.#replyTo(seen)
    this.observed.push(seen)
    this.answered.push(reply)
    const send = () => {
      if (reply.close) {
        request.socket.destroy()
        return
      }
      const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? '')
      const body = text.replaceAll(/\$\{endpoint\}/g, this.#url)
      response.writeHead(reply.status ?? 500, { 'content-type': reply.contentType ?? this.#protocol.contentType })
      response.end(body)
    }
    // What came too late then, never comes now.
    if (reply.delayMs === undefined) send()
  }

  /** The first answer of the same kind that has not been given yet; after them the last one of that kind again. */
  #replyTo(seen: Request): RecordedReply {
    const { requests, replies } = this.#recorded
    const { kindOf } = this.#protocol
    const alike = requests.flatMap((request, i) => (kindOf(request) === kindOf(seen) ? [i] : []))
    const next = alike.find((i) => !this.#used.has(i)) ?? alike.at(-1)
    const reply = next === undefined ? undefined : replies[next]
    if (next === undefined || !reply) return this.#extraReply(seen)
    this.#used.add(next)
    return reply
  }
}
