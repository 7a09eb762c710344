import type { DriverMethod, JsonObject, Machine, Violation } from '@mcm/sdk'
import { decodeSpec, invalid, required } from '@mcm/sdk/go'
import type { Secret } from '../secret-keys.ts'
import { checkAnyBlockDevice, checkBlockDevices } from './block-devices.ts'
import { checkNetworkInterfaces } from './network-interfaces.ts'
import {
  checkCapacityReservation,
  checkCpuOptions,
  checkMarketOptions,
  checkMetadataOptions,
  checkPlacement,
} from './options.ts'
import { ProviderSpec } from './provider-spec.ts'
import { checkCredentials, checkUserData } from './secret.ts'
import { checkTagKeys, checkTagLimits } from './tags.ts'

/** What is to be validated, and what for. */
interface Validation {
  spec: unknown
  secret?: Secret
  method?: DriverMethod
  machine?: Machine
}

/**
 * All that is wrong with a class and its Secret, in upstream's words and order. Upstream's name of the secret's keys is
 * `secretRef…`. For a VM that is to go, only what is needed to find it has to be right.
 */
export function validate({ spec: raw, secret, method, machine }: Validation): Violation[] {
  // The host has checked that it is an object.
  const { spec, violations } = decodeSpec(raw as JsonObject, ProviderSpec)
  if (method === 'deleteMachine' || machine?.metadata.deletionTimestamp !== undefined) {
    return [...checkRegion(spec), ...(secret ? checkCredentials(secret) : []), ...checkTagKeys(spec)]
  }
  return [
    ...violations,
    ...checkNeeds(spec),
    ...checkBlockDevices(spec),
    ...(method === 'validateMachineClass' ? checkAnyBlockDevice(spec) : []),
    ...checkCapacityReservation(spec),
    ...checkNetworkInterfaces(spec),
    ...checkPlacement(spec),
    ...checkMarketOptions(spec),
    ...(secret ? [...checkCredentials(secret), ...checkUserData(secret)] : []),
    ...checkTagKeys(spec),
    ...checkTagLimits(spec),
    ...checkMetadataOptions(spec),
    ...checkCpuOptions(spec),
  ]
}

function checkNeeds({ ami = '', region = '', machineType = '', iam = {} }: ProviderSpec): Violation[] {
  const violations: Violation[] = []
  // Blanks name nothing either.
  if (ami.trim() === '') violations.push(required('providerSpec.ami', 'AMI is required'))
  violations.push(...checkRegion({ region }))
  if (machineType.trim() === '') violations.push(required('providerSpec.machineType', 'MachineType is required'))
  const { arn = '', name = '' } = iam
  if ((arn === '') === (name === '')) {
    const shown = { ...(arn !== '' && { arn }), ...(name !== '' && { name }) }
    violations.push(invalid('providerSpec.iam', shown, 'either IAM Name or ARN must be set'))
  }
  return violations
}

function checkRegion({ region = '' }: ProviderSpec): Violation[] {
  if (region === '') return [required('providerSpec.region', 'Region is required')]
  // It becomes part of a host name and of the providerID.
  if (/^[a-z0-9]+(-[a-z0-9]+)*$/.test(region)) return []
  return [invalid('providerSpec.region', region, 'must be the name of a region, such as eu-west-1')]
}
