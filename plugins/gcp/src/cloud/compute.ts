import { compute, type compute_v1 } from '@googleapis/compute'
import { type CallContext, MachineError, retry, untilAborted } from '@mcm/sdk'
import type { Secret } from '../secret-keys.ts'
import { isPassing, isStatus, machineErrorOf } from './cloud-error.ts'
import { authClientOf } from './credentials.ts'
import { loginOf } from './login.ts'
import { endpoints } from './settings.ts'

export type Instance = compute_v1.Schema$Instance
export type Operation = compute_v1.Schema$Operation

/** One zone of one project, with one login, for one call. */
export interface Zone {
  project: string
  zone: string
  /** The VM of a name; undefined where there is none. */
  get(name: string): Promise<Instance | undefined>
  /** All pages, as one list. */
  list(): Promise<Instance[]>
  /** @param requestId Compute does the same for the same one only once. */
  insert(instance: Instance, requestId: string): Promise<Operation>
  /** @param instance Name or id. Undefined where there is no such VM. */
  delete(instance: string): Promise<Operation | undefined>
  /** The operation once it is done, or after a while. */
  waitFor(operation: string): Promise<Operation>
}

/** Makes the {@link Zone} of a call. Its client, with the access token, is kept for later calls with the same login. */
export async function zoneFor(zone: string, secret: Secret, context: CallContext): Promise<Zone> {
  const { client, signal, cloudRequest } = context
  const login = loginOf(secret)
  if (login.kind === 'unusable') throw new MachineError('InvalidArgument', login.problem)
  const api = await client(Object.values(login), () => {
    const auth = authClientOf(login)
    return { auth, compute: compute({ version: 'v1', auth, rootUrl: new URL(endpoints().compute).origin }) }
  })
  // Here, and not within the first request, whose signal does not reach a login.
  const token = async () => await untilAborted(api.auth.getAccessToken(), signal)
  await retry(token, { signal, isPassing }).catch((error: unknown) => {
    throw machineErrorOf(error, signal)
  })
  const { project } = login
  const { instances, zoneOperations } = api.compute
  const options = { signal, timeout: requestMs, retry: false }
  const send = async <T>(name: string, request: () => Promise<{ data: T }>): Promise<T> => {
    try {
      const { data } = await retry(async () => await cloudRequest(`compute.${name}`, request), { signal, isPassing })
      return data
    } catch (error) {
      throw isStatus(error, 404) ? error : machineErrorOf(error, signal)
    }
  }
  const orNone = async <T>(answer: Promise<T>): Promise<T | undefined> =>
    await answer.catch((error: unknown) => {
      if (isStatus(error, 404)) return undefined
      throw error
    })
  const orError = async <T>(answer: Promise<T>): Promise<T> =>
    await answer.catch((error: unknown) => {
      throw machineErrorOf(error, signal)
    })
  const where = { project, zone }
  return {
    project,
    zone,
    get: async (instance) => await orNone(send('instances.get', () => instances.get({ ...where, instance }, options))),
    async list() {
      const found: Instance[] = []
      let pageToken: string | undefined
      for (;;) {
        const page = { ...where, ...(pageToken && { pageToken }) }
        const { items, nextPageToken } = await orError(send('instances.list', () => instances.list(page, options)))
        found.push(...(items ?? []))
        // A service that repeats a token would be asked for ever.
        if (!nextPageToken || nextPageToken === pageToken) return found
        pageToken = nextPageToken
      }
    },
    insert: async (requestBody, requestId) =>
      await orError(send('instances.insert', () => instances.insert({ ...where, requestId, requestBody }, options))),
    delete: async (instance) =>
      await orNone(send('instances.delete', () => instances.delete({ ...where, instance }, options))),
    waitFor: async (operation) =>
      await orError(
        send('zoneOperations.wait', () =>
          // Compute answers after two minutes at the latest.
          zoneOperations.wait({ ...where, operation }, { ...options, timeout: 150_000 }),
        ),
      ),
  }
}

const requestMs = 60_000
