import { MachineError } from '../errors/machine-error.ts'
import type { DriverCalls, DriverMethod } from '../model/driver.ts'
import type { Secret } from '../model/kubernetes.ts'

/** One call that a case made, fit to be shown: no secret in it. */
export interface RecordedCall {
  method: DriverMethod
  request: unknown
  /** Absent while it runs. */
  answer?: unknown
  error?: Record<string, unknown>
  ms?: number
}

interface Entry {
  call: RecordedCall
  raw: { answer?: unknown; error?: unknown }
}

/** Writes down the calls of one case, as they were for its own eyes, and blacked out for everybody else's. */
export class Journal {
  readonly #calls: Entry[] = []
  readonly #secrets = new Set<string>()

  /** Notes a call. Returns what notes its end. */
  begin<M extends DriverMethod>(
    method: M,
    request: DriverCalls[M]['request'],
  ): (end: { answer?: unknown; error?: unknown }) => void {
    const { secret } = request as { secret?: Secret }
    for (const value of secretTexts(secret)) this.#secrets.add(value)
    const call: RecordedCall = { method, request: shownRequest(request) }
    const entry: Entry = { call, raw: {} }
    this.#calls.push(entry)
    const startMs = performance.now()
    return ({ answer, error }) => {
      entry.raw = { answer, error }
      call.ms = Math.round(performance.now() - startMs)
      if (error === undefined) call.answer = answer
      else call.error = shownError(error)
    }
  }

  /** The calls so far, with every secret that was sent blacked out. */
  get calls(): readonly RecordedCall[] {
    return this.#calls.map(({ call }) => this.blackedOut(call))
  }

  /** Everything that was answered so far, errors in full, as one text each: to be searched for secrets. */
  get answers(): readonly string[] {
    return this.#calls.flatMap(({ raw }) => [
      ...(raw.answer === undefined ? [] : [JSON.stringify(raw.answer)]),
      ...(raw.error === undefined ? [] : [JSON.stringify(shownError(raw.error))]),
    ])
  }

  /** A value without the secrets that were sent. */
  blackedOut<T>(value: T): T {
    if (typeof value === 'string') {
      let text: string = value
      for (const secret of this.#secrets) text = text.replaceAll(secret, '***')
      return text as T
    }
    if (Array.isArray(value)) return value.map((item) => this.blackedOut(item)) as T
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.blackedOut(item)])) as T
  }
}

/** The values of a Secret as texts; those that are too short to be told from other text are left out. */
export function secretTexts(secret: Secret | undefined): string[] {
  const bytes = [
    ...Object.values(secret?.data ?? {}),
    ...Object.values(secret?.stringData ?? {}).map((text) => Buffer.from(text)),
  ]
  return bytes
    .flatMap((value) => [Buffer.from(value).toString('utf8').trim(), Buffer.from(value).toString('base64')])
    .filter((text) => text.length >= shortestSecret)
}

const shortestSecret = 6

/** User data and credentials are told by their length only. */
function shownRequest(request: object): unknown {
  const { secret, ...rest } = request as { secret?: Secret }
  const shown = structuredClone(rest)
  if (!secret) return shown
  const sizes = Object.entries({ ...secret.data, ...secret.stringData }).map(([key, value]) => [
    key,
    `(${value.length} bytes, not shown)`,
  ])
  return { ...shown, secret: { data: Object.fromEntries(sizes) } }
}

function shownError(error: unknown): Record<string, unknown> {
  if (!MachineError.is(error))
    return { thrown: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  const { code, message, source, retry, reason, retryAfterMs, lastKnownState, providerID, nodeName } = error
  const { addresses, violations } = error
  const optional = { reason, retryAfterMs, lastKnownState, providerID, nodeName }
  return {
    code,
    message,
    source,
    retry,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
    ...(addresses.length > 0 && { addresses }),
    ...(violations.length > 0 && { violations }),
  }
}
