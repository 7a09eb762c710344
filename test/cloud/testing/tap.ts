import { once } from 'node:events'
import { createServer } from 'node:http'

/** Stands before a server, sees each request, and can hold an answer back after it was executed. */
export class Tap implements AsyncDisposable {
  readonly #server = createServer()
  readonly #behind: string
  #held: { action: string; executed: () => void } | undefined
  /** Actions of all requests, in order. */
  readonly actions: string[] = []
  url = ''

  private constructor(behind: string) {
    this.#behind = behind
    this.#server.on('request', (request, response) => {
      void (async () => {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk)
        const body = Buffer.concat(chunks)
        const action = new URLSearchParams(body.toString()).get('Action') ?? ''
        this.actions.push(action)
        const headers = Object.entries(request.headers).flatMap(([name, value]): [string, string][] => {
          return typeof value === 'string' && !hopByHop.has(name) ? [[name, value]] : []
        })
        const answer = await fetch(this.#behind, { method: 'POST', headers, body })
        const text = await answer.text()
        if (this.#held?.action === action) {
          this.#held.executed()
          this.#held = undefined
          // Never answered.
          return
        }
        response
          .writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/xml' })
          .end(text)
      })()
    })
  }

  static async start(behind: string): Promise<Tap> {
    const tap = new Tap(behind)
    tap.#server.listen(0, '127.0.0.1')
    await once(tap.#server, 'listening')
    const address = tap.#server.address()
    tap.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    return tap
  }

  /** The next request with this action is executed and never answered. Resolves when it has been executed. */
  holdNext(action: string): Promise<void> {
    return new Promise((executed) => {
      this.#held = { action, executed }
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}

const hopByHop = new Set(['connection', 'keep-alive', 'content-length', 'transfer-encoding', 'expect'])
