import { type Driver, type JsonValue, MachineError } from '@mcm/sdk'

/**
 * Turns a FakeMachineClass, whose `spec` holds what is now spread over a MachineClass, into one. Such a kind was never in
 * use: it shows what a provider with a past does.
 */
export const generateMachineClassForMigration: Required<Driver>['generateMachineClassForMigration'] = async ({
  providerSpecificMachineClass: old,
  machineClass,
  classSpec,
}) => {
  const kind = classSpec?.kind ?? old.kind
  if (kind !== 'FakeMachineClass') {
    throw new MachineError(
      'Unimplemented',
      `cannot make a MachineClass of a ${String(kind)}, only of a FakeMachineClass`,
    )
  }
  if (!isObject(old.spec)) throw new MachineError('Internal', 'the FakeMachineClass has no spec')
  const { secretRef, credentialsSecretRef, ...providerSpec } = old.spec
  return {
    machineClass: {
      ...machineClass,
      provider: 'fake',
      providerSpec,
      ...(isObject(secretRef) && { secretRef: referenceOf(secretRef) }),
      ...(isObject(credentialsSecretRef) && { credentialsSecretRef: referenceOf(credentialsSecretRef) }),
    },
  }
}

function referenceOf({ name, namespace }: Record<string, JsonValue>) {
  return {
    ...(typeof name === 'string' && { name }),
    ...(typeof namespace === 'string' && { namespace }),
  }
}

function isObject(value: JsonValue | undefined): value is Record<string, JsonValue> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
