import { MachineError, type MachineErrorOptions } from '@mcm/sdk'
import {
  CallAbandoned,
  ConnectFailed,
  ConnectionLost,
  errorCode,
  LibvirtError,
  ProtocolError,
  UploadSizeError,
} from '../rpc/index.ts'
import { XmlError } from '../xml/index.ts'

type Code = ConstructorParameters<typeof MachineError>[0]

/** What each of libvirt's errors means for the caller of the contract; others are `Internal`, blamed on libvirt. */
const codes: ReadonlyMap<number, Code> = new Map<number, Code>([
  [errorCode.noDomain, 'NotFound'],
  [errorCode.noStorageVolume, 'NotFound'],
  [errorCode.noStoragePool, 'InvalidArgument'],
  [errorCode.noNetwork, 'InvalidArgument'],
  [errorCode.invalidArgument, 'InvalidArgument'],
  [errorCode.configUnsupported, 'InvalidArgument'],
  [errorCode.argumentUnsupported, 'InvalidArgument'],
  [errorCode.noSupport, 'InvalidArgument'],
  [errorCode.xmlError, 'InvalidArgument'],
  [errorCode.xmlDetail, 'InvalidArgument'],
  [errorCode.xmlInvalidSchema, 'InvalidArgument'],
  [errorCode.cpuIncompatible, 'InvalidArgument'],
  [errorCode.noMemory, 'ResourceExhausted'],
  [errorCode.domainExists, 'AlreadyExists'],
  [errorCode.storageVolumeExists, 'Aborted'],
  [errorCode.resourceBusy, 'Aborted'],
  [errorCode.operationAborted, 'Aborted'],
  [errorCode.operationInvalid, 'FailedPrecondition'],
  [errorCode.operationDenied, 'PermissionDenied'],
  [errorCode.accessDenied, 'PermissionDenied'],
  [errorCode.authFailed, 'Unauthenticated'],
  [errorCode.authCancelled, 'Unauthenticated'],
  [errorCode.authUnavailable, 'Unauthenticated'],
  [errorCode.operationTimeout, 'DeadlineExceeded'],
  [errorCode.agentUnresponsive, 'Unavailable'],
  [errorCode.noConnect, 'Unavailable'],
  [errorCode.invalidConnection, 'Unavailable'],
  [errorCode.rpc, 'Unavailable'],
])

// libvirt has no numbers for these; the texts are the system's own, from strerror.
const fullTexts = /no space left|disk quota exceeded|cannot allocate memory|cannot set up guest memory|file too large/i

const connectCodes: Record<ConnectFailed['reason'], Code> = {
  'bad-uri': 'InvalidArgument',
  'not-running': 'Unavailable',
  'not-permitted': 'PermissionDenied',
  authentication: 'Unauthenticated',
  failed: 'Unavailable',
}

/** Whether the host has no memory or no disk left for it. */
export function isOutOfRoom({ detail }: LibvirtError): boolean {
  return fullTexts.test(detail)
}

/** Whether libvirtd may still be working on what failed here. After any other failure it has ended. */
export function isInDoubt(error: unknown): boolean {
  return error instanceof CallAbandoned || error instanceof ConnectionLost || error instanceof ProtocolError
}

/** The contract's error for anything that a call to libvirt threw. */
export function asMachineError(error: unknown, uri: string): MachineError {
  if (error instanceof LibvirtError) {
    const code = isOutOfRoom(error) ? 'ResourceExhausted' : (codes.get(error.code) ?? 'Internal')
    return cloudError(code, `${uri}: ${error.message}`, error, { reason: `LIBVIRT_${error.code}` })
  }
  // Not lost: the VM is looked up by its UUID at the next try.
  if (error instanceof ConnectionLost) return cloudError('Unavailable', `${uri}: ${error.message}`, error)
  if (error instanceof ConnectFailed) return cloudError(connectCodes[error.reason], error.message, error)
  // The signal's reason says whether it was a deadline or the caller.
  if (error instanceof CallAbandoned) {
    const { code } = MachineError.from(error.cause)
    return cloudError(code === 'Canceled' ? code : 'DeadlineExceeded', `${uri}: ${error.message}`, error)
  }
  if (error instanceof UploadSizeError || error instanceof XmlError)
    return cloudError('InvalidArgument', error.message, error)
  return MachineError.from(error)
}

function cloudError(code: Code, message: string, cause: unknown, options: MachineErrorOptions = {}): MachineError {
  return new MachineError(code, message, { source: 'cloud', cause, ...options })
}
