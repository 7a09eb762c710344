/**
 * The machine codes and their numbers: gRPC's 0 to 16, and 17, which gRPC does not have.
 *
 * Source: the status codes of upstream's driver interface. The names are exactly what upstream stores in
 * `Machine.status.lastOperation.errorCode`.
 */
export const MachineCodes = {
  OK: 0,
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16,
  Uninitialized: 17,
} as const

/** Name of a machine code, for example `ResourceExhausted`. */
export type MachineCode = keyof typeof MachineCodes

const names = Object.keys(MachineCodes) as MachineCode[]

/** Whether a text is exactly the name of a machine code. Case counts, as upstream's parser has it. */
export function isMachineCode(text: string): text is MachineCode {
  return Object.hasOwn(MachineCodes, text)
}

/** Name of a code number. A number outside 0 to 17 is `Unknown`. */
export function machineCodeOf(number: number): MachineCode {
  return names[number] ?? 'Unknown'
}
