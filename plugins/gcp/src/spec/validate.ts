import { isUtf8 } from 'node:buffer'
import type { DriverMethod, JsonObject, Machine, Violation } from '@mcm/sdk'
import { decodeSpec, forbidden, invalid, required, unsupported } from '@mcm/sdk/go'
import { loginOf } from '../cloud/login.ts'
import { credentialKeys, type Secret, userDataKeyOf } from '../secret-keys.ts'
import { checkDisks } from './disks.ts'
import { checkNetworkInterfaces } from './network-interfaces.ts'
import { ProviderSpec } from './provider-spec.ts'
import { checkOwnerTags } from './tags.ts'

/** What is to be validated, and what for. */
interface Validation {
  spec: unknown
  secret?: Secret
  method?: DriverMethod
  machine?: Machine
}

/**
 * All that is wrong with a class, its Secret and the name of the Machine, in upstream's words and order. To find a VM or
 * to have it go, only what is needed for that has to be right.
 */
export function validate({ spec: raw, secret, method, machine }: Validation): Violation[] {
  // The host has checked that it is an object.
  const { spec, violations } = decodeSpec(raw as JsonObject, ProviderSpec)
  const isGoing = method === 'deleteMachine' || machine?.metadata.deletionTimestamp !== undefined
  const looks = isGoing || method === 'getMachineStatus' || method === 'listMachines'
  if (looks) return [...checkZone(spec), ...(secret ? checkCredentials(secret) : []), ...checkOwnerTags(spec)]
  return [
    ...violations,
    ...checkDisks(spec),
    ...checkPlace(spec),
    ...checkNetworkInterfaces(spec),
    ...checkMetadata(spec, secret),
    ...checkGpu(spec),
    ...checkScheduling(spec),
    ...(secret ? [...checkCredentials(secret), ...checkUserData(secret)] : []),
    ...checkOwnerTags(spec),
    ...(machine ? checkMachineName(machine) : []),
  ]
}

function checkPlace(spec: ProviderSpec): Violation[] {
  const violations: Violation[] = []
  const { machineType = '', region = '', zone = '' } = spec
  if (machineType === '') violations.push(required('providerSpec.machineType', 'machineType is required'))
  if (region === '') violations.push(required('providerSpec.region', 'region is required'))
  if (zone === '') violations.push(required('providerSpec.zone', 'zone is required'))
  else violations.push(...checkZone(spec))
  return violations
}

function checkZone({ zone = '' }: ProviderSpec): Violation[] {
  if (zone === '') return [required('providerSpec.zone', 'zone cannot be empty')]
  // It becomes part of a path and of the providerID.
  if (/^[a-z0-9-]+$/.test(zone)) return []
  return [invalid('providerSpec.zone', zone, 'must be the name of a zone, such as europe-west1-b')]
}

function checkMetadata({ metadata = [] }: ProviderSpec, secret: Secret | undefined): Violation[] {
  return metadata.flatMap(({ key = '' }, i) => {
    const path = `providerSpec.metadata[${i}].key`
    // Beyond upstream: in any case, and a start-up script beside one from the Secret, since Compute refuses a key twice.
    if (key.toLowerCase() === 'user-data') return [forbidden(path, 'user-data key is forbidden in metadata')]
    if (secret?.has('userData') && key === userDataKeyOf(secret))
      return [forbidden(path, 'startup-script comes from userData of the Secret')]
    return key === '' ? [required(path, 'key is required')] : []
  })
}

function checkGpu({ gpu }: ProviderSpec): Violation[] {
  if (!gpu) return []
  const violations: Violation[] = []
  const { acceleratorType = '', count = 0 } = gpu
  if (acceleratorType === '') {
    violations.push(required('providerSpec.gpu.acceleratorType', 'accelerator type needs to be provided'))
  }
  if (count <= 0) violations.push(forbidden('providerSpec.gpu.count', 'gpu count must be > 0'))
  return violations
}

function checkScheduling({ scheduling = {}, gpu }: ProviderSpec): Violation[] {
  const path = 'providerSpec.scheduling.onHostMaintenance'
  const { onHostMaintenance = '', preemptible, automaticRestart } = scheduling
  const violations: Violation[] = []
  if (!maintenance.includes(onHostMaintenance)) violations.push(unsupported(path, onHostMaintenance, maintenance))
  if (gpu && onHostMaintenance !== 'TERMINATE') {
    const detail = 'liveMigration is not allowed for VMs with gpu attached, use "TERMINATE" instead'
    violations.push(forbidden(path, detail))
  }
  // Beyond upstream: what Compute refuses for sure.
  if (preemptible && automaticRestart) {
    violations.push(forbidden('providerSpec.scheduling.automaticRestart', 'a preemptible VM cannot restart by itself'))
  }
  return violations
}

/** The path is the whole Secret's where none of its keys is there. */
function checkCredentials(secret: Secret): Violation[] {
  const login = loginOf(secret)
  if (login.kind !== 'unusable') return []
  const key = credentialKeys.find((one) => secret.has(one))
  return [{ path: key === undefined ? 'secret.data' : `secret.data.${key}`, message: login.problem }]
}

function checkUserData(secret: Secret): Violation[] {
  if (!secret.has('userData')) return [{ path: 'secret.data.userData', message: 'secret userData is required field' }]
  const userData = secret.bytes('userData') ?? new Uint8Array()
  const { length } = userData
  const wrong = (message: string) => [{ path: 'secret.data.userData', message }]
  // Beyond upstream, which replaces what is not.
  if (!isUtf8(userData)) return wrong('Invalid value: metadata of Compute are text, and these bytes are no UTF-8')
  if (length <= maxUserDataBytes) return []
  return wrong(`Too long: Compute takes ${maxUserDataBytes} bytes, these are ${length}`)
}

/** Beyond upstream: the VM has the name of the Machine, and Compute takes short DNS labels that begin with a letter. */
function checkMachineName({ metadata: { name } }: Machine): Violation[] {
  if (/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)) return []
  const detail = 'the VM has this name: at most 63 of a-z, 0-9 and -, beginning with a letter and not ending with -'
  return [invalid('machine.metadata.name', name, detail)]
}

const maintenance = ['MIGRATE', 'TERMINATE']
// Of one value of the metadata.
const maxUserDataBytes = 256 * 1024
