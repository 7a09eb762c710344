import { compute, type compute_v1 } from '@googleapis/compute'
import { type CallContext, MachineError, retry, untilAborted } from '@mcm/sdk'
import type { Secret } from '../secret-keys.ts'
import { isNoVm, isPassing, isTokenRefused, machineErrorOf } from './cloud-error.ts'
import { authClientOf, forgetToken } from './credentials.ts'
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
  /** The operation once it is done, or after a while. @param until Ends the wait before the call ends. */
  waitFor(operation: string, until: AbortSignal): Promise<Operation>
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
  // The services have upstream's names, so that its dashboards go on.
  const send = async <T>(service: Service, request: () => Promise<{ data: T }>, until = signal): Promise<T> => {
    try {
      const sent = async () => await cloudRequest(service, request)
      const answer = retry(sent, { signal: until, isPassing }).catch(async (error: unknown) => {
        if (!isTokenRefused(error)) throw error
        // It may have been withdrawn before its time. The request logs in anew.
        forgetToken(api.auth)
        return await sent()
      })
      return (await answer).data
    } catch (error) {
      throw machineErrorOf(error, until)
    }
  }
  const sendOrNone = async <T>(service: Service, request: () => Promise<{ data: T }>): Promise<T | undefined> =>
    await send(service, request).catch((error: unknown) => {
      if (MachineError.is(error) && isNoVm(error.cause)) return undefined
      throw error
    })
  const where = { project, zone }
  return {
    project,
    zone,
    get: async (instance) => await sendOrNone('instance_get', () => instances.get({ ...where, instance }, options)),
    async list() {
      const found: Instance[] = []
      let pageToken: string | undefined
      for (;;) {
        const page = { ...where, ...(pageToken && { pageToken }) }
        const { items, nextPageToken } = await send('instance_list', () => instances.list(page, options))
        found.push(...(items ?? []))
        // A service that repeats a token would be asked for ever.
        if (!nextPageToken || nextPageToken === pageToken) return found
        pageToken = nextPageToken
      }
    },
    insert: async (requestBody, requestId) =>
      await send('instance_create', () => instances.insert({ ...where, requestId, requestBody }, options)),
    delete: async (instance) =>
      await sendOrNone('instance_delete', () => instances.delete({ ...where, instance }, options)),
    async waitFor(operation, until) {
      // Compute answers after two minutes at the latest.
      const held = { ...options, signal: until, timeout: 150_000 }
      const wait = send('operations_get', () => zoneOperations.wait({ ...where, operation }, held), until)
      return await wait.catch((error: unknown) => {
        // Nobody knows how it ended, and the class is not to blame for that.
        if (!MachineError.is(error) || error.reason !== 'notFound') throw error
        throw new MachineError('Internal', error.message, { source: 'cloud', reason: error.reason, cause: error })
      })
    },
  }
}

type Service = 'instance_create' | 'instance_delete' | 'instance_list' | 'instance_get' | 'operations_get'

const requestMs = 60_000
