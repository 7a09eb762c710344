import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PluginFigures } from '../metrics/plugin-figures.ts'
import { readiness } from './readiness.ts'

/** Where the answers of {@link Probes} come from. */
export interface ProbeSources {
  isServing(): boolean
  plugins(): readonly PluginFigures[]
  metrics: { readonly contentType: string; scrape(): Promise<string> }
}

/** What an operator's tools ask over HTTP: `GET /healthz`, `/readyz` and `/metrics`. Nothing in it is secret. */
export class Probes {
  readonly #sources: ProbeSources

  constructor(sources: ProbeSources) {
    this.#sources = sources
  }

  /** Answers a request, if it is one of these. @returns Whether it was. */
  answer({ method, url = '' }: IncomingMessage, response: ServerResponse): boolean {
    if (method !== 'GET') return false
    const [path = '', query = ''] = url.split('?')
    switch (path) {
      case '/healthz': {
        const isServing = this.#sources.isServing()
        send(response, isServing ? 200 : 503, isServing ? 'ok\n' : 'not serving\n')
        return true
      }
      case '/readyz': {
        const { isReady, page } = readiness(this.#sources.isServing(), this.#sources.plugins())
        const isShort = isReady && !new URLSearchParams(query).has('verbose')
        send(response, isReady ? 200 : 503, isShort ? 'ok\n' : page)
        return true
      }
      case '/metrics':
        void this.#sendMetrics(response)
        return true
      default:
        return false
    }
  }

  async #sendMetrics(response: ServerResponse): Promise<void> {
    const { metrics } = this.#sources
    try {
      send(response, 200, await metrics.scrape(), metrics.contentType)
    } catch (error) {
      send(response, 500, `metrics cannot be read: ${(error as Error).message}\n`)
    }
  }
}

function send(response: ServerResponse, status: number, body: string, contentType = 'text/plain'): void {
  response.writeHead(status, { 'content-type': contentType })
  response.end(body)
}
