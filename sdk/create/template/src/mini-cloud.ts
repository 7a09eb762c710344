// A tiny cloud: what the plugin talks to until it talks to yours. Not a part of the package that is published.
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A virtual machine. Nothing runs. */
export interface MiniVm {
  id: string
  /** Who asks with it again gets the same VM. */
  key: string
  name: string
  cluster: string
  size: string
  /** Base64. */
  userData: string
}

/** Trouble for the requests of one method of the driver, about all machines or one. */
export interface Fault {
  kind: keyof typeof failures | 'resetAfterExecution' | 'hang'
  method: string
  machine?: string
}

export interface MiniCloud extends AsyncDisposable {
  url: string
  vms: MiniVm[]
  /** What was asked for so far. */
  requests: string[]
  /** The trouble that it makes. */
  fault: Fault | undefined
}

/** Starts a cloud on loopback. */
export async function startMiniCloud(port = 0): Promise<MiniCloud> {
  const server = createServer((request, response) => void answer(cloud, request, response))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const cloud: MiniCloud = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    vms: [],
    requests: [],
    fault: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return cloud
}

type Answer = { status: number; body: object; headers?: { 'retry-after': string } }

async function answer(cloud: MiniCloud, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = '', url = '/', headers } = request
  cloud.requests.push(`${method} ${url}`)
  const body = await text(request)
  const { pathname, searchParams } = new URL(url, cloud.url)
  const run = (): Answer => {
    if (!headers.authorization?.startsWith('Bearer demo')) return failures.unauthorised
    if (method === 'GET' && pathname === '/vms') return { status: 200, body: list(cloud, searchParams) }
    if (method === 'POST' && pathname === '/vms') return { status: 201, body: create(cloud, JSON.parse(body)) }
    const id = /^\/vms\/([^/]+)$/.exec(pathname)?.[1]
    const vm = cloud.vms.find((vm) => vm.id === id)
    if (method !== 'DELETE' || !vm) return { status: 404, body: { code: 'NotFound', message: `no VM ${id}` } }
    cloud.vms.splice(cloud.vms.indexOf(vm), 1)
    return { status: 200, body: vm }
  }
  const isHit = cloud.fault && concerns(cloud, cloud.fault, method, body, pathname)
  const isPage = cloud.fault?.kind !== 'laterPage' || Boolean(searchParams.get('page'))
  const fault = isHit && isPage ? cloud.fault?.kind : undefined
  if (fault === 'hang') return
  if (fault === 'resetAfterExecution') {
    run()
    request.socket.destroy()
    return
  }
  const { status, body: json, headers: more }: Answer = fault ? failures[fault] : run()
  response.writeHead(status, { 'content-type': 'application/json', ...more })
  response.end(JSON.stringify(json))
}

const failures = {
  throttled: {
    status: 429,
    body: { code: 'Throttled', message: 'too many requests' },
    headers: { 'retry-after': '1' },
  },
  outOfCapacity: { status: 503, body: { code: 'OutOfCapacity', message: 'no room for a VM of this size' } },
  unauthorised: { status: 401, body: { code: 'InvalidToken', message: 'this token is not known' } },
  timeout: { status: 504, body: { code: 'Timeout', message: 'it took too long' } },
  serverError: { status: 500, body: { code: 'Broken', message: 'something is broken' } },
  laterPage: { status: 500, body: { code: 'Broken', message: 'something is broken' } },
} satisfies Record<string, Answer>

function list({ vms }: MiniCloud, query: URLSearchParams): object {
  const [id, name, cluster] = ['id', 'name', 'cluster'].map((key) => query.get(key))
  const found = vms.filter((vm) => vm.cluster === cluster && (!id || vm.id === id) && (!name || vm.name === name))
  const from = Number(query.get('page'))
  const next = from + pageSize
  return { vms: found.slice(from, next), ...(next < found.length && { next: String(next) }) }
}

function create({ vms }: MiniCloud, wanted: Omit<MiniVm, 'id'>): MiniVm {
  const known = vms.find(({ key }) => key === wanted.key)
  if (known) return known
  const vm = { ...wanted, id: randomUUID() }
  vms.push(vm)
  return vm
}

/** Whether a fault is meant for a request. */
function concerns({ vms }: MiniCloud, fault: Fault, method: string, body: string, path: string): boolean {
  if (method !== (verbs[fault.method] ?? 'GET')) return false
  if (!fault.machine || method === 'GET') return true
  const vm = body ? JSON.parse(body) : vms.find(({ id }) => path.endsWith(id))
  return vm?.name === fault.machine
}

const verbs: Record<string, string> = { createMachine: 'POST', deleteMachine: 'DELETE' }
const pageSize = 7

/** The conformance kit's ways into the cloud, which it starts and stops. */
export default async function hooks({ setup }: { setup: { main: { machineClass: { providerSpec?: object } } } }) {
  const { endpoint } = setup.main.machineClass.providerSpec as { endpoint: string }
  const cloud = await startMiniCloud(Number(new URL(endpoint).port))
  return {
    async fault(fault: Fault) {
      cloud.fault = fault
    },
    async clearFaults() {
      cloud.fault = undefined
    },
    vms: async () => cloud.vms.map(({ name }) => name),
    async userDataSha256(machine: string) {
      const { userData = '' } = cloud.vms.find(({ name }) => name === machine) ?? {}
      return createHash('sha256').update(Buffer.from(userData, 'base64')).digest('hex')
    },
    async duplicate(machine: string) {
      const vm = cloud.vms.find(({ name }) => name === machine)
      if (vm) cloud.vms.push({ ...vm, id: randomUUID(), key: randomUUID() })
    },
    countCalls: async () => cloud.requests.length,
    close: async () => await cloud[Symbol.asyncDispose](),
  }
}

if (import.meta.main) {
  const { url } = await startMiniCloud(8433)
  console.log(`a cloud on ${url}`)
}
