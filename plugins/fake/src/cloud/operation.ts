/** The operations of the cloud. */
export const operations = [
  'createInstance',
  'getInstance',
  'listInstances',
  'initializeInstance',
  'deleteInstance',
] as const

export type Operation = (typeof operations)[number]

/** Whether an operation changes something. */
export function isChanging(operation: Operation): boolean {
  return operation !== 'getInstance' && operation !== 'listInstances'
}

/** What a client says with each operation. */
export interface OperationOptions {
  /** Ends the wait for the answer; what was executed by then stays so, as with a real cloud. */
  signal: AbortSignal
  /** On whose behalf, so that faults can be aimed at it. */
  caller?: Caller
  /** Whether it is for a page of a list after the first. */
  isLaterPage?: boolean
  /** Sends the request, for a caller who wants to measure it. Default: just sends it. */
  send?: <T>(operation: Operation, request: () => Promise<T>) => Promise<T>
}

/** A call of the driver that an operation is part of. */
export interface Caller {
  /** Method of the driver, for example `createMachine`. */
  method: string
  /** Name of the Machine that it is about. */
  machine?: string
  /** Whether the method as a whole changes something. */
  isChanging: boolean
}
