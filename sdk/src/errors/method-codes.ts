import type { DriverMethod } from '../model/driver.ts'
import type { MachineCode } from './code.ts'
import type { RetryAdvice } from './machine-error.ts'

/** One code that a method can answer: when, and what upstream's controller then does. */
export interface MethodCode {
  code: MachineCode
  /** When a plugin answers it. */
  condition: string
  /** What the caller does about it. */
  recovery: string
  /** When the caller tries again; `never` where there is nothing to repeat. */
  retry: RetryAdvice | 'never'
  /**
   * Whether the host repeats the call itself before it answers this. Only of calls that only look: whether a changing
   * call is to be repeated is the caller's to say.
   */
  isRepeated?: true
}

const passing: MethodCode[] = [
  row('Unknown', 'The cause is not known.', 'Tries again; keeps `lastKnownState`.', 'soon'),
  row('DeadlineExceeded', 'It took longer than the deadline.', 'Tries again; keeps `lastKnownState`.', 'soon'),
  row('Aborted', 'Another changing call for this machine is running.', 'Tries again; keeps `lastKnownState`.', 'soon'),
  row('Unavailable', 'The cloud, the plugin or the host is away.', 'Tries again; keeps `lastKnownState`.', 'soon'),
]

const passingLook = passing.map((entry) => (entry.code === 'Unavailable' ? repeated(entry) : entry))

const lasting: MethodCode[] = [
  row('Canceled', 'The caller cancelled the call.', 'Tries again later.', 'later'),
  row(
    'InvalidArgument',
    'The class, the Secret or the machine name is wrong.',
    'Shows it; tries again later.',
    'after-change',
  ),
  row('PermissionDenied', 'The credentials may not do it.', 'Shows it; tries again later.', 'later'),
  row('FailedPrecondition', 'The VM is in a state that does not allow it.', 'Shows it; tries again later.', 'later'),
  row('Internal', 'A plugin or a cloud is broken.', 'Shows it; tries again later.', 'later'),
  row('Unauthenticated', 'The credentials are wrong.', 'Shows it; tries again later.', 'after-change'),
]

/**
 * The codes that each method answers, with the condition and what upstream's controller does: the contract's error
 * table as data. The reference is generated from it. Source: the error tables of upstream's driver interface and the
 * reactions of its controller; in effect every code is retried, so `later` is its longer interval.
 */
export const methodCodes: Record<DriverMethod, readonly MethodCode[]> = {
  createMachine: [
    row('OK', 'The VM was made, or was there already.', 'Stores providerID and node name, then initializes.', 'never'),
    ...passing,
    row(
      'ResourceExhausted',
      'Quota or capacity is used up.',
      'Lets the cluster-autoscaler back off; tries again after `--resource-exhausted-retry`; keeps `lastKnownState`.',
      'later',
    ),
    row(
      'AlreadyExists',
      'A VM of that name exists with other parameters.',
      'Shows it; tries again later.',
      'after-change',
    ),
    row(
      'OutOfRange',
      'A size is outside what the cloud offers, or there are several VMs.',
      'Starts the collection of orphans; tries again later.',
      'later',
    ),
    row(
      'NotFound',
      'Something that the class names is not there, such as an image.',
      'Shows it; tries again later.',
      'later',
    ),
    ...lasting,
    row('Unimplemented', 'Not allowed: the method is mandatory.', 'Shows it; tries again later.', 'later'),
  ],
  initializeMachine: [
    row('OK', 'The VM is set up.', 'Waits for the Node.', 'never'),
    row('Unimplemented', 'The plugin has nothing to set up.', 'Treats it as done.', 'never'),
    row(
      'Uninitialized',
      'It failed and should be tried again.',
      'Tries again, if GetMachineStatus answers `Uninitialized` too.',
      'soon',
    ),
    row('NotFound', 'There is no VM.', 'Shows it; tries again.', 'soon'),
    ...passing,
    ...lasting.map((entry) => ({ ...entry, recovery: 'Shows it; tries again.', retry: 'soon' as const })),
  ],
  deleteMachine: [
    row('OK', 'The VM is gone, or was never there.', 'Deletes the Node.', 'never'),
    row('NotFound', 'Accepted in place of OK.', 'Deletes the Node.', 'never'),
    ...passing.map((entry) => ({ ...entry, recovery: 'Tries again.' })),
    ...lasting,
    row('Unimplemented', 'Not allowed: the method is mandatory.', 'Shows it; tries again later.', 'later'),
  ],
  getMachineStatus: [
    row('OK', 'The VM is there.', 'Adopts it.', 'never'),
    row('NotFound', 'There is no VM.', 'Creates it; when deleting, goes on.', 'never'),
    row('Unimplemented', 'The plugin cannot look.', 'As `NotFound`.', 'never'),
    row(
      'Uninitialized',
      'The VM is there, InitializeMachine has to run. The detail must have providerID and node name.',
      'Calls InitializeMachine.',
      'never',
    ),
    row('OutOfRange', 'There are several VMs.', 'Starts the collection of orphans; tries again later.', 'later'),
    ...passingLook,
    ...lasting,
  ],
  listMachines: [
    row('OK', 'The list is complete.', 'Deletes VMs that no Machine claims.', 'never'),
    row('Unimplemented', 'The plugin cannot list.', 'Does not collect orphans.', 'never'),
    ...[...passingLook, ...lasting].map((entry) => ({
      ...entry,
      recovery: 'Ends this round of collection; tries again later.',
      retry: 'later' as const,
    })),
  ],
  getVolumeIDs: [
    row('OK', 'The ids of those volumes that are known.', 'Waits for them to detach while draining.', 'never'),
    row('Unimplemented', 'The plugin knows no volumes.', 'Does not wait for volumes.', 'never'),
    row('InvalidArgument', 'A spec cannot be read.', 'Does not wait for that volume.', 'never'),
    repeated(
      row('Unavailable', 'The cloud, the plugin or the host is away.', 'Does not wait for that volume.', 'soon'),
    ),
    row('Internal', 'A plugin is broken.', 'Does not wait for that volume.', 'never'),
  ],
  generateMachineClassForMigration: [
    row('OK', 'The class is filled.', "Today's controllers never call it.", 'never'),
    row('Unimplemented', 'There is nothing to migrate.', 'Nothing.', 'never'),
    row('InvalidArgument', 'The old class is of another kind.', 'Shows it.', 'after-change'),
    row('Internal', 'A plugin is broken.', 'Tries again.', 'later'),
  ],
  validateMachineClass: [
    row('OK', 'The class was checked; the answer says what is wrong with it.', 'Shows the violations.', 'never'),
    row('InvalidArgument', 'No plugin serves the provider.', 'Shows it.', 'after-change'),
    row('Unavailable', 'The plugin cannot be started.', 'Tries again.', 'soon'),
  ],
}

function row(code: MachineCode, condition: string, recovery: string, retry: MethodCode['retry']): MethodCode {
  return { code, condition, recovery, retry }
}

function repeated(entry: MethodCode): MethodCode {
  return { ...entry, isRepeated: true }
}
