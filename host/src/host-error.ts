import { type MachineCode, MachineError, type MachineErrorOptions } from '@mcm/sdk'

/**
 * Every failure that the host itself answers, by its stable reason: the machine code, and what it means with what to
 * do. docs/reference/errors.md is generated from this table.
 */
export const hostErrors = {
  REQUEST_INCOMPLETE: {
    code: 'InvalidArgument',
    explanation: 'A part that the method needs, such as `machine` or `machineClass`, is missing. Send it.',
  },
  REQUEST_MALFORMED: {
    code: 'InvalidArgument',
    explanation: 'The request cannot be decoded. Check that the client uses the same contract version.',
  },
  PROVIDER_UNKNOWN: {
    code: 'InvalidArgument',
    explanation: 'No plugin serves the provider that the MachineClass names. Install one, or correct the name.',
  },
  SPEC_INVALID: {
    code: 'InvalidArgument',
    explanation:
      'The `providerSpec` violates the schema of the plugin or its rules. The violations say where. Correct the MachineClass.',
  },
  SECRET_INVALID: {
    code: 'InvalidArgument',
    explanation:
      'The Secret lacks keys that the plugin needs, or has values that it cannot take. The violations name the keys. Correct the Secret.',
  },
  MACHINE_BUSY: {
    code: 'Aborted',
    explanation: 'Another changing call for the same machine is running. Try again when it has ended.',
  },
  HOST_BUSY: {
    code: 'Unavailable',
    explanation:
      'So many calls with the same Secret are waiting for their turn that no more may wait. Try again a little later, or raise the limits in the section `concurrency` of the configuration.',
  },
  CLOUD_UNAVAILABLE: {
    code: 'Unavailable',
    explanation:
      'The last calls with the same Secret found the cloud away or throttling, so the host calls it no more for a while. The message has what the cloud said last; `retryAfter` says when the host calls it again.',
  },
  METHOD_MISSING: {
    code: 'Unimplemented',
    explanation: 'The plugin does not have this method. `mcm plugin show` lists what it has.',
  },
  PLUGIN_UNUSABLE: {
    code: 'Unavailable',
    explanation: 'The plugin cannot be started. The message and `mcm plugin list` say why. The next call tries again.',
  },
  PLUGIN_ENDED: {
    code: 'Unavailable',
    explanation:
      'The process of the plugin ended while the call ran, or was ended because it was stuck. What it began may go on in the cloud; calls can be repeated safely. The next call starts it again.',
  },
  PLUGIN_QUARANTINED: {
    code: 'Unavailable',
    explanation:
      'The plugin has ended by itself too often, three times within five minutes, and is left alone for ten minutes. The message says why it ended. `mcm plugin reload` starts it at once.',
  },
  PLUGIN_ANSWER_INVALID: {
    code: 'Internal',
    explanation: 'The plugin answered something that the contract does not allow. Report it to its author.',
  },
  CALL_CANCELED: {
    code: 'Canceled',
    explanation: 'The caller cancelled the call. The plugin was told to stop, if the call had begun.',
  },
  CALL_DEADLINE: {
    code: 'DeadlineExceeded',
    explanation:
      'The call took longer than its deadline; the message says so where it was still waiting for its turn. The plugin was told to stop, if the call had begun. Calls can be repeated safely.',
  },
  HOST_STOPPING: {
    code: 'Unavailable',
    explanation:
      'The host is stopping and takes no new calls. Try again; another host or the restarted one will answer.',
  },
} as const satisfies Record<string, { code: Exclude<MachineCode, 'OK'>; explanation: string }>

/** Stable reason of a failure that the host itself answers. */
export type HostErrorReason = keyof typeof hostErrors

/** Makes the error of a reason. Blames the host unless `options` say otherwise. */
export function hostError(reason: HostErrorReason, message: string, options: MachineErrorOptions = {}): MachineError {
  return new MachineError(hostErrors[reason].code, message, { source: 'host', reason, ...options })
}
