import { MachineError, sleep } from '@mcm/sdk'
import { type DriverMethod, methodName } from '@mcm/sdk/contract'
import { hostError } from '../../host-error.ts'
import type { Log } from '../../log.ts'
import type { Patience } from '../../runtime/patience.ts'
import type { Finding } from './circuit.ts'
import { credentialFingerprint } from './credential-fingerprint.ts'
import { findingOf } from './finding.ts'
import { repeatAfterMs } from './repeat.ts'
import { type Scope, type ScopeFigures, Scopes } from './scopes.ts'
import type { SlotLimits } from './slots.ts'

/** A call that is to be run. */
export interface ScopedCall extends Patience {
  plugin: string
  method: DriverMethod
  /** With what it goes to the cloud; `undefined` for a call that does not. */
  secret: Readonly<Record<string, Uint8Array>> | undefined
}

/**
 * Keeps what goes wrong with one credential from the calls with others: limits how many calls run at once, leaves a
 * cloud that is away or throttles alone for a while, and repeats looks that failed for a reason that passes.
 */
export class Resilience {
  readonly #scopes: Scopes
  readonly #log: Log

  constructor(limits: SlotLimits, log: Log) {
    this.#scopes = new Scopes(limits)
    this.#log = log
  }

  /**
   * Runs a call when its turn comes, and again where that is safe.
   *
   * @param attempt Runs it once. Must call `release`, which gives its slot back, once: when the plugin works on the
   *   call no longer, also when that is after its caller has gone, or has not got it at all.
   */
  async run<T>(call: ScopedCall, attempt: (release: () => void) => Promise<T>): Promise<T> {
    const scope = this.#scopes.enter(call.plugin, credentialFingerprint(call.secret))
    try {
      for (let repeats = 0; ; repeats++) {
        try {
          return await this.#runOnce(scope, call, attempt)
        } catch (error) {
          await this.#beforeRepeat(scope, call, MachineError.from(error), repeats)
        }
      }
    } finally {
      this.#scopes.leave(scope)
    }
  }

  /** How the calls of a plugin are doing now. */
  figures(plugin: string): ScopeFigures {
    return this.#scopes.figures(plugin)
  }

  async #runOnce<T>(scope: Scope, call: ScopedCall, attempt: (release: () => void) => Promise<T>): Promise<T> {
    const { slots, lane, circuit } = scope
    refuseIfOpen(scope, call)
    if (!slots.take(lane)) await waitForTurn(scope, call)
    const release = () => {
      slots.release(lane)
      this.#scopes.tidy(scope)
    }
    try {
      // It may have opened while the call was waiting.
      refuseIfOpen(scope, call)
    } catch (error) {
      release()
      throw error
    }
    const report = circuit?.begin()
    try {
      const answer = await attempt(release)
      if (report) this.#report(scope, report, { kind: 'answered' })
      return answer
    } catch (error) {
      if (report) this.#report(scope, report, findingOf(error))
      throw error
    }
  }

  /** Waits before a call that failed is repeated. Rejects with its error where it is not to be. */
  async #beforeRepeat({ circuit }: Scope, call: ScopedCall, error: MachineError, repeats: number): Promise<void> {
    const waitMs = repeatAfterMs(call.method, error, repeats, call.deadlineMs - Date.now())
    if (waitMs === undefined || circuit?.isOpen || call.signal.aborted) throw error
    await sleep(waitMs, call.signal).catch(() => {
      const what = `${methodName(call.method)} by ${call.plugin}`
      throw hostError('CALL_CANCELED', `${what} was cancelled by the caller before it was repeated: ${error.message}`)
    })
  }

  #report({ plugin, fingerprint, circuit }: Scope, report: (finding: Finding) => void, finding: Finding): void {
    const wasOpen = circuit?.isOpen
    report(finding)
    if (circuit?.isOpen === wasOpen) return
    // Enough to tell credentials apart in the log, and it says nothing about any.
    const fields = { plugin, credential: fingerprint.slice(0, 8) }
    if (finding.kind !== 'away') this.#log.info(fields, 'cloud answers again')
    else {
      const retryAfterMs = circuit?.refusal?.retryAfterMs
      this.#log.warn({ ...fields, error: finding.error.message, retryAfterMs }, 'cloud is left alone for a while')
    }
  }
}

function refuseIfOpen({ plugin, circuit }: Scope, { method }: ScopedCall): void {
  const refusal = circuit?.refusal
  if (!refusal) return
  const { error, retryAfterMs } = refusal
  const why = `the last calls of ${plugin} with the same Secret found its cloud away: ${error.message}`
  const text = `${methodName(method)} was not begun, since ${why}; try again in ${Math.ceil(retryAfterMs / 1000)} s`
  throw hostError('CLOUD_UNAVAILABLE', text, { source: 'cloud', retryAfterMs })
}

async function waitForTurn({ plugin, slots, lane, circuit }: Scope, call: ScopedCall): Promise<void> {
  const method = methodName(call.method)
  const whose = circuit ? 'with the same Secret' : 'without a Secret'
  const load = () => `running now: ${lane.running} ${whose}, ${slots.running} in all`
  if (slots.isFull(lane)) {
    const why = `calls of ${plugin} ${whose} fill the queue: ${lane.waiting.size}`
    throw hostError('HOST_BUSY', `${method} was not begun, since ${why}; ${load()}`, { retryAfterMs: busyRetryMs })
  }
  const since = performance.now()
  await slots.wait(lane, call, (reason) => {
    const waited = `${method} waited ${Math.round((performance.now() - since) / 1000)} s in the queue of ${plugin}`
    return reason === 'canceled'
      ? hostError('CALL_CANCELED', `${waited}, and was cancelled by the caller`)
      : hostError('CALL_DEADLINE', `${waited} until its deadline passed; ${load()}`)
  })
}

/** Long enough for some of a thousand calls to end. */
const busyRetryMs = 1000
