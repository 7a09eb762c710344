import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { RecordedCase, RecordedReply, RecordedRequest } from './recorded-case.ts'

/** Answers requests as they were answered when they were recorded, and keeps what came in. */
export class ReplayServer {
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  #url = ''
  #recorded: Pick<RecordedCase, 'requests' | 'replies'> = { requests: [], replies: [] }
  #extraReply: (request: RecordedRequest) => RecordedReply = () => ({ status: 500, body: '' })
  #used = new Set<number>()
  /** What came in since {@link replay}. */
  observed: RecordedRequest[] = []
  /** What was answered, in the same order. */
  answered: RecordedReply[] = []

  static async start(): Promise<ReplayServer> {
    const server = new ReplayServer()
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
  replay(recorded: RecordedCase, extraReply: (request: RecordedRequest) => RecordedReply): void {
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
    const seen = readRequest(request, Buffer.concat(chunks).toString())
    const reply = this.#replyTo(seen)
    this.observed.push(seen)
    this.answered.push(reply)
    const send = () => {
      if (reply.close) {
        request.socket.destroy()
        return
      }
      const body = (reply.body ?? '').replaceAll(/\$\{endpoint\}/g, this.#url)
      response.writeHead(reply.status ?? 500, { 'content-type': reply.contentType ?? 'text/xml;charset=UTF-8' })
      response.end(body)
    }
    // What came too late then, never comes now.
    if (reply.delayMs === undefined) send()
  }

  /** The first answer of the same kind that has not been given yet; after them the last one of that kind again. */
  #replyTo(seen: RecordedRequest): RecordedReply {
    const { requests, replies } = this.#recorded
    const alike = requests.flatMap((request, i) => (kindOf(request) === kindOf(seen) ? [i] : []))
    const next = alike.find((i) => !this.#used.has(i)) ?? alike.at(-1)
    const reply = next === undefined ? undefined : replies[next]
    if (next === undefined || !reply) return this.#extraReply(seen)
    this.#used.add(next)
    return reply
  }
}

/** What requests are told apart by when one stands for another: action, and what it looks for. */
export function kindOf({ action, params }: RecordedRequest): string {
  if (action !== 'DescribeInstances') return action
  return Object.keys(params).some((name) => name.startsWith('Filter.')) ? `${action} by tags` : `${action} by id`
}

function readRequest(request: IncomingMessage, body: string): RecordedRequest {
  const { Action: action = '', Version: version = '', ...params } = Object.fromEntries(new URLSearchParams(body))
  const header = request.headers.authorization ?? ''
  const [, accessKeyId, region, service] = /Credential=([^/]*)\/\d+\/([^/]*)\/([^/]*)\//.exec(header) ?? []
  const token = request.headers['x-amz-security-token']
  const auth =
    accessKeyId === undefined || region === undefined || service === undefined
      ? null
      : { accessKeyId, region, service, ...(typeof token === 'string' && { sessionToken: token }) }
  return { service: version === '2011-06-15' ? 'sts' : 'ec2', action, version, params, auth }
}
