import { type CallContext, type ClassCall, definePlugin, idOfProviderID, MachineError, providerID } from '@mcm/sdk'
import { errorOf, errorOfRequest } from './errors.ts'
import { providerSpec, type Spec } from './provider-spec.ts'

export default definePlugin({
  provider: 'MyCloud',
  providerSpec,
  secret: { token: 'required', userData: 'optional' },

  /** What the schema cannot say. Also answers `mcm validate`, so the cloud is not asked. */
  validate({ secret }) {
    const isSound = !secret || /^[!-~]+$/.test(secret.text('token'))
    return isSound ? [] : [{ path: 'secret.data.token', message: 'must be printable ASCII without spaces' }]
  },

  /** Looks first: the VM may be there, with its answer lost. Of calls at the same time, the key makes one VM. */
  async createMachine({ machine, ...call }, context) {
    const { cluster, size } = call.spec
    const { name } = machine.metadata
    const userData = Buffer.from(call.secret.bytes('userData') ?? []).toString('base64')
    const body = { key: `${cluster}/${name}`, name, cluster, size, userData }
    const [found] = await find({ name }, call, context)
    const vm = found ?? (await send<Vm>('POST', '/vms', call, context, body))
    if (vm.size === size) return identityOf(vm)
    throw new MachineError('AlreadyExists', `${name} has a VM of size ${vm.size} already, not ${size}; delete it first`)
  },

  /** A VM that is gone is deleted. */
  async deleteMachine({ machine, ...call }, context) {
    for (const { id } of await find(queryFor(machine.metadata.name, machine.spec.providerID), call, context)) {
      await send('DELETE', `/vms/${id}`, call, context).catch((error: unknown) => {
        if (!MachineError.is(error) || error.code !== 'NotFound') throw error
      })
    }
  },

  async getMachineStatus({ machine, ...call }, context) {
    const { name } = machine.metadata
    const [vm, ...others] = await find(queryFor(name, machine.spec.providerID), call, context)
    if (!vm) throw new MachineError('NotFound', `${name} has no VM in cluster ${call.spec.cluster}`)
    if (others.length > 0) throw new MachineError('OutOfRange', `${name} has ${others.length + 1} VMs`)
    return identityOf(vm)
  },

  async listMachines(call, context) {
    const vms = await find({}, call, context)
    return { machineList: Object.fromEntries(vms.map((vm) => [identityOf(vm).providerID, vm.name])) }
  },
})

type Call = ClassCall<Spec, 'token' | 'userData'>
type Vm = { id: string; name: string; size: Spec['size'] }
type Query = { id?: string; name?: string }

function identityOf({ id, name }: Vm) {
  return { providerID: providerID('my-cloud', '', id), nodeName: name }
}

function queryFor(name: string, text = ''): Query {
  if (text === '') return { name }
  if (text.startsWith('my-cloud:///')) return { id: idOfProviderID(text) }
  throw new MachineError('InvalidArgument', `${text} is no VM of MyCloud; its form is my-cloud:///<id>`)
}

/** The VMs of the cluster that a query names, over all pages. */
async function find(query: Query, call: Call, context: CallContext): Promise<Vm[]> {
  const vms: Vm[] = []
  let next: string | undefined = ''
  while (next !== undefined) {
    const parameters = new URLSearchParams({ ...query, cluster: call.spec.cluster, page: next })
    const answer: { vms: Vm[]; next?: string } = await send('GET', `/vms?${parameters}`, call, context)
    vms.push(...answer.vms)
    next = answer.next
  }
  return vms
}

/** One request to the cloud. */
function send<T>(method: string, path: string, { spec, secret }: Call, context: CallContext, body?: object) {
  const headers = { authorization: `Bearer ${secret.text('token')}` }
  const init = { method, headers, signal: context.signal, ...(body && { body: JSON.stringify(body) }) }
  return context.cloudRequest(`${method} /vms`, async () => {
    try {
      const response = await fetch(new URL(path, spec.endpoint), init)
      if (response.ok) return (await response.json()) as T
      throw await errorOf(response)
    } catch (error) {
      throw errorOfRequest(error)
    }
  })
}
