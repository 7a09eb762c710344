import { MachineError } from '@mcm/sdk'
import { describe, expect, test } from 'vitest'
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
import { asMachineError, isInDoubt } from './errors.ts'

const uri = 'qemu:///session'
const libvirtError = (code: number, detail = 'text') =>
  new LibvirtError({ code, detail, domain: 10, level: 2, procedure: 'domain-create' })

const wanted: Record<keyof typeof errorCode, MachineError['code']> = {
  internalError: 'Internal',
  noMemory: 'ResourceExhausted',
  noSupport: 'InvalidArgument',
  noConnect: 'Unavailable',
  invalidConnection: 'Unavailable',
  invalidDomain: 'Internal',
  invalidArgument: 'InvalidArgument',
  operationFailed: 'Internal',
  xmlError: 'InvalidArgument',
  domainExists: 'AlreadyExists',
  operationDenied: 'PermissionDenied',
  openFailed: 'Internal',
  xmlDetail: 'InvalidArgument',
  systemError: 'Internal',
  rpc: 'Unavailable',
  noDomain: 'NotFound',
  noNetwork: 'InvalidArgument',
  authFailed: 'Unauthenticated',
  invalidStoragePool: 'Internal',
  invalidStorageVolume: 'Internal',
  noStoragePool: 'InvalidArgument',
  noStorageVolume: 'NotFound',
  operationInvalid: 'FailedPrecondition',
  configUnsupported: 'InvalidArgument',
  operationTimeout: 'DeadlineExceeded',
  invalidStream: 'Internal',
  argumentUnsupported: 'InvalidArgument',
  storagePoolBuilt: 'Internal',
  operationAborted: 'Aborted',
  authCancelled: 'Unauthenticated',
  noDomainMetadata: 'Internal',
  operationUnsupported: 'Internal',
  agentUnresponsive: 'Unavailable',
  resourceBusy: 'Aborted',
  accessDenied: 'PermissionDenied',
  storageVolumeExists: 'Aborted',
  cpuIncompatible: 'InvalidArgument',
  xmlInvalidSchema: 'InvalidArgument',
  authUnavailable: 'Unauthenticated',
  deviceMissing: 'Internal',
  noHostname: 'Internal',
}

describe("libvirt's errors", () => {
  test.each(Object.entries(errorCode))('%s', (name, number) => {
    const error = asMachineError(libvirtError(number), uri)
    expect(error).toMatchObject({
      code: wanted[name as keyof typeof errorCode],
      source: 'cloud',
      reason: `LIBVIRT_${number}`,
      message: `qemu:///session: domain-create: text (libvirt error ${number}, domain 10)`,
    })
    expect(isInDoubt(libvirtError(number))).toBe(false)
  })

  test.each([
    "cannot fill file '/p/v': No space left on device",
    'Disk quota exceeded',
    'cannot set up guest memory: Cannot allocate memory',
    'File too large',
  ])('%s', (detail) => {
    for (const number of [errorCode.internalError, errorCode.systemError]) {
      expect(asMachineError(libvirtError(number, detail), uri).code).toBe('ResourceExhausted')
    }
  })
})

test('a connection that cannot be made, or is lost', () => {
  const reasons = {
    'bad-uri': 'InvalidArgument',
    'not-running': 'Unavailable',
    'not-permitted': 'PermissionDenied',
    authentication: 'Unauthenticated',
    failed: 'Unavailable',
  } as const
  for (const [reason, code] of Object.entries(reasons)) {
    const error = new ConnectFailed(reason as ConnectFailed['reason'], 'text')
    expect(asMachineError(error, uri)).toMatchObject({ code, message: 'text', source: 'cloud' })
  }
  const lost = new ConnectionLost('domain-create', true, new Error('gone'))
  expect(asMachineError(lost, uri)).toMatchObject({ code: 'Unavailable', source: 'cloud' })
  expect(isInDoubt(lost)).toBe(true)
})

test('a call that was given up says at which step', () => {
  const given = (reason: unknown) => new CallAbandoned('domain-create', true, reason)
  const late = given(new DOMException('too late', 'TimeoutError'))
  expect(asMachineError(late, uri)).toMatchObject({
    code: 'DeadlineExceeded',
    message: expect.stringContaining('domain-create'),
  })
  expect(asMachineError(given(new DOMException('no more', 'AbortError')), uri).code).toBe('Canceled')
  expect(isInDoubt(late)).toBe(true)
  expect(isInDoubt(new ProtocolError('x'))).toBe(true)
})

test('content and values that do not fit are the fault of who asked', () => {
  expect(asMachineError(new UploadSizeError('too long'), uri).code).toBe('InvalidArgument')
  expect(asMachineError(new XmlError('bad character'), uri).code).toBe('InvalidArgument')
})

test('what is no error of libvirt stays what it is', () => {
  const error = new MachineError('OutOfRange', 'two')
  expect(asMachineError(error, uri)).toBe(error)
  expect(asMachineError(new TypeError('oops'), uri)).toMatchObject({ code: 'Internal', source: 'plugin' })
})
