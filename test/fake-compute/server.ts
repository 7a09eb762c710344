import { type Answer, FakeServer, type Received, type Served } from '../fake-cloud/fake-server.ts'
import { type Fault, FaultPlan } from '../fake-cloud/fault-plan.ts'
import { ApiError, errorBody } from './api-error.ts'
import { FakeCloud } from './cloud.ts'
import { loadDescription } from './description.ts'
import { selectFields } from './field-mask.ts'
import { methods } from './methods.ts'
import type { OperationFailure } from './operation.ts'
import { checkParameters, type Routed, Routes } from './routes.ts'
import { SchemaCheck } from './schema-check.ts'
import { OAuthError, type TokenRequest, TokenServer } from './token-server.ts'

/** What goes wrong at Compute. Actions are `instances.insert` and the like, and `token`, `sts`, `impersonate`. */
export interface ComputeFault extends Fault {
  /** Answers with this error, and does nothing. With `text` it is no JSON. */
  error?: { status: number; reason: string; message?: string; text?: string }
  /** Accepts the change, whose operation fails later. */
  operation?: OperationFailure
}

/** One request that came in. */
export interface JournalEntry {
  action: string
  params: Record<string, string>
  body: unknown
  /** Paths of output-only fields in the body, which Compute ignores. */
  ignored: string[]
  authorization: string | undefined
}

/**
 * A strict fake of Compute's REST API, and of Google's token endpoints, in memory. It takes and answers only what Google
 * publishes, and goes wrong as planned.
 */
export class FakeCompute implements AsyncDisposable {
  readonly cloud = new FakeCloud()
  readonly faults = new FaultPlan<ComputeFault>()
  /** All requests, in order. */
  readonly journal: JournalEntry[] = []
  /** The project of callers with a workload identity, and of tests that have no reason for another. */
  readonly project = 'demo-project'
  readonly tokens = new TokenServer(() => this.url, this.project)
  readonly #routes: Routes
  readonly #schemas: SchemaCheck
  #server: FakeServer | undefined

  private constructor({ routes, schemas }: Published) {
    this.#routes = routes
    this.#schemas = schemas
  }

  static async start(): Promise<FakeCompute> {
    published ??= loadDescription().then((description) => ({
      routes: new Routes(description),
      schemas: new SchemaCheck(description),
    }))
    const fake = new FakeCompute(await published)
    fake.#server = await FakeServer.start((received) => fake.#serve(received))
    return fake
  }

  get url(): string {
    return this.#server?.url ?? ''
  }

  /** The actions of all requests, in order. */
  get actions(): string[] {
    return this.journal.map(({ action }) => action)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
  }

  #serve(received: Received): Served {
    const { method, url, body } = received
    const { authorization } = received.headers
    const forToken = this.tokens.find(received)
    if (forToken) return this.#serveToken(forToken, authorization)
    try {
      return this.#serveMethod(this.#routes.find(method, url), received)
    } catch (error) {
      this.journal.push({ action: `${method} ${url.pathname}`, params: {}, body, ignored: [], authorization })
      return { fault: undefined, answer: () => failed(error) }
    }
  }

  #serveToken({ action, params, run }: TokenRequest, authorization: string | undefined): Served {
    this.journal.push({ action, params, body: undefined, ignored: [], authorization })
    const fault = this.faults.take(action, { machine: undefined, isLaterPage: false })
    const answer = () => {
      try {
        if (fault?.error) throw new OAuthError(fault.error.reason, fault.error.message ?? 'injected')
        return json(200, JSON.stringify(run()))
      } catch (error) {
        if (!(error instanceof OAuthError)) return failed(error)
        const status = fault?.error?.status ?? 400
        return json(status, JSON.stringify({ error: error.code, error_description: error.message }))
      }
    }
    return { fault, answer }
  }

  #serveMethod(routed: Routed, { headers, body: text }: Received): Served {
    const { action, method, params } = routed
    const body = text === '' ? undefined : readJson(text)
    const { authorization } = headers
    const entry: JournalEntry = { action, params, body, ignored: [], authorization }
    this.journal.push(entry)
    const fault = this.faults.take(action, {
      machine: this.#machineOf(params, body),
      isLaterPage: params.pageToken !== undefined,
    })
    const answer = async () => {
      try {
        if (fault?.error?.text !== undefined) {
          return { status: fault.error.status, contentType: 'text/html', body: fault.error.text }
        }
        if (fault?.error) throw new ApiError(fault.error.status, fault.error.reason, fault.error.message ?? 'injected')
        const place = this.#placeOf(routed, authorization)
        checkParameters(routed)
        if (method.request) entry.ignored = this.#schemas.checkRequest(method.request.$ref, body ?? {})
        const run = methods.get(action)
        if (!run) throw new ApiError(501, 'notImplemented', `This fake does not have compute.${action}`)
        const pause = (ms: number) => new Promise<void>((done) => this.#server?.later(ms, done))
        const result = await run({ cloud: this.cloud, place, params, body, failure: fault?.operation, pause })
        if (method.response) this.#schemas.checkAnswer(method.response.$ref, result)
        const { fields } = params
        return json(200, JSON.stringify(fields === undefined ? result : selectFields(result, fields)))
      } catch (error) {
        return failed(error)
      }
    }
    return { fault, answer }
  }

  /** Callers see their own project, and images of all. */
  #placeOf({ action, params }: Routed, authorization: string | undefined) {
    const caller = this.tokens.callerOf(authorization)
    const { project = '', zone = '' } = params
    if (project !== caller.project && !action.startsWith('images.')) {
      throw new ApiError(403, 'forbidden', `Required permission for 'projects/${project}'`)
    }
    const zones = [...this.cloud.catalogue.regions.values()].flat()
    if (params.zone !== undefined && !zones.includes(zone)) {
      throw new ApiError(400, 'invalid', `Invalid value for field 'zone': '${zone}'. Unknown zone.`)
    }
    return { project, zone, user: caller.user }
  }

  /** The machine that a request is about: by its path, its body, or the operation's target. */
  #machineOf({ instance, operation }: Record<string, string>, body: unknown): string | undefined {
    if (instance !== undefined) {
      const found = this.cloud.instances.find(({ resource }) => resource.id === instance)
      return found?.resource.name ?? instance
    }
    if (operation !== undefined) {
      return this.cloud.operations.find(({ resource }) => resource.name === operation)?.target
    }
    return typeof body === 'object' && body !== null && 'name' in body ? String(body.name) : undefined
  }
}

/** What Google publishes, ready for use. It takes longer than a test, and is the same for all. */
interface Published {
  routes: Routes
  schemas: SchemaCheck
}

let published: Promise<Published> | undefined

function readJson(text: string): unknown {
  try {
    // A member that is null is as good as absent.
    return JSON.parse(text, (_, value) => value ?? undefined)
  } catch {
    throw new ApiError(400, 'parseError', 'Parse Error')
  }
}

function json(status: number, body: string): Answer {
  return { status, contentType: 'application/json; charset=UTF-8', body }
}

/** Errors of the API are answers. Others are mistakes of ours, and end the run. */
function failed(error: unknown): Answer {
  if (error instanceof OAuthError) return failed(new ApiError(401, 'authError', error.message))
  if (error instanceof ApiError) return json(error.status, errorBody(error))
  throw error
}
