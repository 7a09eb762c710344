import { admit, cloudNow } from './admission.ts'
import type { Credential } from './credential.ts'
import { defaultEndpoint } from './endpoint.ts'
import { CloudError, cloudErrorCodeOf, cloudErrors } from './error.ts'
import type { Fault } from './fault.ts'
import type { Instance, InstanceRequest } from './instance.ts'
import {
  actual,
  endInstance,
  type InstanceRow,
  insertInstance,
  isLiving,
  livingByClientToken,
  markInitialized,
  selectInstances,
  shown,
} from './instance-table.ts'
import type { Operation, OperationOptions } from './operation.ts'
import { checkQuotas, checkRequest, differencesOf } from './request.ts'
import type { Settings } from './settings.ts'
import { pause, Store } from './store.ts'

/** What a list is to hold. */
export interface InstanceQuery {
  region: string
  name?: string
  /** Only instances that carry a tag with this key. */
  tag?: string
  /** Where the page before ended: its `nextPage`. */
  page?: string
}

/** Where an operation on one instance is to happen, and on what condition. */
export interface InstanceTarget {
  id: string
  region: string
  /** Refuses (`TagMismatch`) unless the instance carries a tag with this key. */
  onlyWithTag?: string
}

/** Logs in to the simulated cloud. */
export async function connectCloud(options: {
  /** Where the cloud is, as a `file:` URL. Default: {@link defaultEndpoint}. */
  endpoint?: string | undefined
  token: string
  signal: AbortSignal
}): Promise<CloudClient> {
  return new CloudClient(await Store.open(options.endpoint ?? defaultEndpoint(), options.signal), options.token)
}

/** The cloud as one credential sees it. Every failure of an operation is a {@link CloudError}, or the signal's reason. */
export class CloudClient {
  readonly #store: Store
  readonly #token: string

  constructor(store: Store, token: string) {
    this.#store = store
    this.#token = token
  }

  /** Creates an instance, or answers the living one that was created with the same client token. */
  createInstance(request: InstanceRequest, options: OperationOptions): Promise<Instance> {
    return this.#run('createInstance', options, ({ credential, settings, now }) => {
      checkRequest(request)
      const earlier = livingByClientToken(this.#store, credential.account, request.clientToken, now)
      if (earlier) {
        const instance = actual(earlier, now)
        const different = differencesOf(instance, request)
        if (different.length === 0) return instance
        throw new CloudError(
          'IdempotentParameterMismatch',
          `instance ${instance.id} was created with the same client token and another ${different.join(', ')}`,
        )
      }
      checkQuotas(this.#store, credential, request, settings, now)
      return actual(insertInstance(this.#store, credential, request, settings, now), now)
    })
  }

  /** One instance, possibly a terminated one. */
  getInstance(target: Omit<InstanceTarget, 'onlyWithTag'>, options: OperationOptions): Promise<Instance> {
    return this.#run('getInstance', options, ({ credential, now }) => {
      const instance = shown(this.#find(target, credential), now)
      if (!instance) throw notFound(target)
      return instance
    })
  }

  /** A page of the instances that are not terminated, oldest first. */
  listInstances(
    { region, name, tag, page }: InstanceQuery,
    options: OperationOptions,
  ): Promise<{ instances: Instance[]; nextPage?: string }> {
    return this.#run(
      'listInstances',
      { ...options, isLaterPage: page !== undefined },
      ({ credential, settings, now }) => {
        const rows = selectInstances(this.#store, {
          where: { account: credential.account, region, ...(name !== undefined && { name }) },
          ...(tag !== undefined && { tag }),
          afterSeq: page === undefined ? 0 : Number(page),
          notGoneBefore: now,
          limit: settings.pageSize,
        })
        const instances = rows.map((row) => shown(row, now)).filter((instance) => instance !== undefined)
        const last = rows.length < settings.pageSize ? undefined : rows.at(-1)
        return { instances, ...(last && { nextPage: String(last.seq) }) }
      },
    )
  }

  /** Sets an instance up. Does nothing to one that is set up already. */
  initializeInstance(target: InstanceTarget, options: OperationOptions): Promise<Instance> {
    return this.#run('initializeInstance', options, ({ credential, now }) => {
      const row = this.#find(target, credential)
      const { id, state } = actual(row, now)
      if (!isLiving(row, now)) throw notFound(target)
      if (state === 'pending') throw new CloudError('InstanceNotReady', `instance ${id} is still booting`)
      markInitialized(this.#store, row)
      return { ...row.as(state), initialized: true }
    })
  }

  /**
   * Tells an instance to go: one of an id, or the one that lives by a client token, which reads need not show yet. Does
   * nothing to one that is going or gone.
   */
  deleteInstance(target: InstanceTarget | { clientToken: string }, options: OperationOptions): Promise<void> {
    return this.#run('deleteInstance', options, ({ credential, settings, now }) => {
      const row =
        'id' in target
          ? this.#find(target, credential)
          : livingByClientToken(this.#store, credential.account, target.clientToken, now)
      if (row) endInstance(this.#store, row, settings, now)
    })
  }

  close(): void {
    this.#store.close()
  }

  async #run<T>(operation: Operation, options: OperationOptions, execute: (moment: Moment) => T): Promise<T> {
    const request = () => this.#answer(operation, options, execute)
    return await (options.send ? options.send(operation, request) : request())
  }

  async #answer<T>(operation: Operation, options: OperationOptions, execute: (moment: Moment) => T): Promise<T> {
    const { signal } = options
    const { credential, settings, fault } = await admit(this.#store, this.#token, operation, options)
    const halfMs = (settings.latencyMsOf[operation] ?? settings.latencyMs) / 2

    await pause(halfMs, signal)
    if (fault && !fault.afterExecution) await suffer(fault, signal)
    const work = () => execute({ credential, settings, now: cloudNow(this.#store) })
    const isRead = operation === 'getInstance' || operation === 'listInstances'
    const result = await (isRead ? this.#store.read(work, signal) : this.#store.change(work, signal))
    if (fault?.afterExecution) await suffer(fault, signal)
    await pause(halfMs, signal)
    return result
  }

  #find(target: InstanceTarget, credential: Credential): InstanceRow {
    const { id, region, onlyWithTag } = target
    const [row] = selectInstances(this.#store, { where: { id, account: credential.account, region } })
    if (!row) throw notFound(target)
    if (onlyWithTag !== undefined && !Object.hasOwn(row.as('running').tags, onlyWithTag)) {
      throw new CloudError('TagMismatch', `instance ${id} in ${region} does not carry the tag ${onlyWithTag}`)
    }
    return row
  }
}

/** What an operation is executed with. */
interface Moment {
  credential: Credential
  settings: Settings
  now: number
}

async function suffer(fault: Fault, signal: AbortSignal): Promise<void> {
  await pause(fault.delayMs ?? 0, signal)
  const code = fault.error === undefined ? undefined : cloudErrorCodeOf(fault.error)
  if (code === undefined) return
  const { retryAfterMs } = fault
  throw new CloudError(code, cloudErrors[code].text, retryAfterMs === undefined ? {} : { retryAfterMs })
}

function notFound({ id, region }: InstanceTarget): CloudError {
  return new CloudError('InstanceNotFound', `there is no instance ${id} in ${region}`)
}
