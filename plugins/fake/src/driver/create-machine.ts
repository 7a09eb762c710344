import { type Driver, isDnsSubdomain, type MachineCall, MachineError } from '@mcm/sdk'
import { differencesOf, type Instance, type InstanceRequest } from '../cloud/index.ts'
import type { FakeSpec } from '../provider-spec.ts'
import type { FakeSecretKey } from '../secret-keys.ts'
import { findAll, onlyOne } from './find.ts'
import { clientTokenOf, providerIDOf, vmOf } from './identity.ts'
import { inCloud } from './in-cloud.ts'

type FakeDriver = Driver<FakeSpec, FakeSecretKey>

/**
 * Looks for the VM first. The look may miss one that was made a moment ago, since reads lag; then the client token makes
 * the cloud answer that one instead of making a second.
 */
export const createMachine: FakeDriver['createMachine'] = async (call, context) => {
  const { name } = call.machine.metadata
  const request = requestFor(call)
  return inCloud('createMachine', call, context, async (cloud, options) => {
    const existing = onlyOne(await findAll(cloud, call.spec, name, options), name)
    if (existing) {
      refuseOther(existing, request)
      context.logger.info('adopt the VM that is there already', { providerID: providerIDOf(existing) })
    }
    return vmOf(existing ?? (await cloud.createInstance(request, options)))
  })
}

function requestFor({ machine, spec, secret }: MachineCall<FakeSpec, FakeSecretKey>): InstanceRequest {
  const { name } = machine.metadata
  if (!isDnsSubdomain(name)) {
    throw new MachineError('InvalidArgument', `Machine name "${name}" cannot be a host name; use a-z, 0-9, - and .`)
  }
  const { region, zone, machineType, image, disk, networks, tags, spot } = spec
  const userData = secret.bytes('userData')
  if (userData && userData.length > maxUserDataBytes) {
    const message = `is ${userData.length} bytes long; at most ${maxUserDataBytes} are possible`
    throw new MachineError('InvalidArgument', `userData of the Secret ${message}`, {
      violations: [{ path: 'secret.data.userData', message }],
    })
  }
  return {
    name,
    clientToken: clientTokenOf(spec, name),
    region,
    zone,
    machineType,
    image,
    disk,
    networks,
    tags,
    spot,
    bootMs: spec.bootSeconds * 1000,
    needsInitialization: spec.initialization === 'required',
    ...(userData && { userData }),
  }
}

const maxUserDataBytes = 16 * 1024

function refuseOther(existing: Instance, request: InstanceRequest): void {
  const different = differencesOf(existing, request)
  if (different.length === 0) return
  const list = different.map((key) => `${key} ${existing[key]} instead of ${request[key]}`).join(', ')
  throw new MachineError(
    'AlreadyExists',
    `Machine ${request.name} has a VM already, ${providerIDOf(existing)}, with ${list}; delete it or use another name`,
  )
}
