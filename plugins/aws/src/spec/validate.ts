import type { JsonObject, Violation } from '@mcm/sdk'
import type { Secret } from '../secret-keys.ts'
import { checkBlockDevices } from './block-devices.ts'
import { decode } from './decode.ts'
import { checkNetworkInterfaces } from './network-interfaces.ts'
import {
  checkCapacityReservation,
  checkCpuOptions,
  checkMarketOptions,
  checkMetadataOptions,
  checkPlacement,
} from './options.ts'
import type { ProviderSpec } from './provider-spec.ts'
import { checkCredentials, checkUserData } from './secret.ts'
import { checkTagKeys, checkTagLimits } from './tags.ts'
import { invalid, required } from './violation.ts'

/**
 * All that is wrong with a class and its Secret, in upstream's words and order. Upstream's name of the secret's keys is
 * `secretRef…`.
 */
export function validate({ spec: raw, secret }: { spec: unknown; secret?: Secret }): Violation[] {
  // The host has checked that it is an object.
  const { spec, violations } = decode(raw as JsonObject)
  return [
    ...violations,
    ...checkNeeds(spec),
    ...checkBlockDevices(spec),
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
  if (ami === '') violations.push(required('providerSpec.ami', 'AMI is required'))
  if (region === '') violations.push(required('providerSpec.region', 'Region is required'))
  // It becomes part of a host name and of the providerID.
  else if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(region)) {
    violations.push(invalid('providerSpec.region', region, 'must be the name of a region, such as eu-west-1'))
  }
  if (machineType === '') violations.push(required('providerSpec.machineType', 'MachineType is required'))
  const { arn = '', name = '' } = iam
  if ((arn === '') === (name === '')) {
    const shown = { ...(arn !== '' && { arn }), ...(name !== '' && { name }) }
    violations.push(invalid('providerSpec.iam', shown, 'either IAM Name or ARN must be set'))
  }
  return violations
}
