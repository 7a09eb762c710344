import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { anyPack, anyUnpack } from '@bufbuild/protobuf/wkt'
import { type MachineCode, MachineCodes, machineCodeOf } from '../errors/code.ts'
import { type ErrorSource, MachineError, type MachineErrorOptions, type RetryAdvice } from '../errors/machine-error.ts'
import { StatusSchema } from './gen/google/rpc/status_pb.ts'
import {
  type ErrorDetail,
  ErrorDetailSchema,
  RetryAdvice as WireRetry,
  ErrorSource as WireSource,
} from './gen/mcm/driver/v1/error_pb.ts'

/** Name of the trailer that carries typed details. */
export const statusDetailsTrailer = 'grpc-status-details-bin'

/** A gRPC status that stands for a MachineError. */
export interface WireStatus {
  /** gRPC status code. */
  code: number
  message: string
  /** Value of the trailer {@link statusDetailsTrailer}. */
  details: Uint8Array
}

/**
 * Encodes a MachineError as a gRPC status with details.
 *
 * Trailers are small (8 KiB with many clients), so the message and the violations are cut to what fits; the message
 * then says how much is missing.
 */
export function encodeError(error: MachineError): WireStatus {
  const message = shorten(error.message, maxMessageBytes)
  const detail = errorDetail(error)
  const code = grpcCode(error.code)
  const status = create(StatusSchema, { code, message, details: [anyPack(ErrorDetailSchema, detail)] })
  return { code, message, details: toBinary(StatusSchema, status) }
}

/** The detail of an error, with as many violations as fit into a trailer. */
export function errorDetail(error: MachineError): ErrorDetail {
  const detail = create(ErrorDetailSchema, {
    code: MachineCodes[error.code],
    codeName: error.code,
    source: wireSource[error.source],
    retry: wireRetry[error.retry],
    reason: error.reason ?? '',
    lastKnownState: error.lastKnownState ?? '',
    providerId: error.providerID ?? '',
    nodeName: error.nodeName ?? '',
    addresses: [...error.addresses],
  })
  if (error.retryAfterMs !== undefined) {
    const seconds = Math.floor(error.retryAfterMs / 1000)
    detail.retryAfter = {
      $typeName: 'google.protobuf.Duration',
      seconds: BigInt(seconds),
      nanos: Math.round((error.retryAfterMs - seconds * 1000) * 1e6),
    }
  }
  let room = maxViolationBytes
  for (const { path, message } of error.violations) {
    room -= byteLength(path) + byteLength(message)
    if (room < 0) break
    detail.violations.push({ $typeName: 'mcm.driver.v1.Violation', path, message })
  }
  return detail
}

/**
 * Decodes a gRPC status into a MachineError. Without details, for example from a driver that is not ours or from a
 * proxy, the gRPC code decides.
 */
export function decodeError(status: { code: number; message: string; details?: Uint8Array | undefined }): MachineError {
  return machineErrorFrom(status, status.details && unpackDetail(status.details))
}

/** Makes a MachineError of a status code, a message and, where there is one, the detail. */
export function machineErrorFrom(
  status: { code: number; message: string },
  detail: ErrorDetail | undefined,
): MachineError {
  const code = detail ? machineCodeOf(detail.code) : machineCodeOf(status.code)
  return new MachineError(code === 'OK' ? 'Unknown' : code, status.message, detail ? optionsOf(detail) : {})
}

/** The gRPC status code for a machine code: 17 has none and becomes FAILED_PRECONDITION. */
export function grpcCode(code: MachineCode): number {
  return code === 'Uninitialized' ? MachineCodes.FailedPrecondition : MachineCodes[code]
}

// Python's and C++'s gRPC refuse more than 8 KiB of trailers by default. The message goes twice: as text and in the
// details, which are base64.
const maxMessageBytes = 1024
const maxViolationBytes = 1536

const wireSource = { host: WireSource.HOST, plugin: WireSource.PLUGIN, cloud: WireSource.CLOUD }
const wireRetry = { soon: WireRetry.SOON, later: WireRetry.LATER, 'after-change': WireRetry.AFTER_CHANGE }

function keyOf<K extends string>(table: Record<K, number>, value: number): K | undefined {
  return (Object.keys(table) as K[]).find((key) => table[key] === value)
}

function optionsOf(detail: ErrorDetail): MachineErrorOptions {
  const source: ErrorSource | undefined = keyOf(wireSource, detail.source)
  const retry: RetryAdvice | undefined = keyOf(wireRetry, detail.retry)
  const { reason, lastKnownState, providerId, nodeName, retryAfter } = detail
  return {
    ...(source && { source }),
    ...(retry && { retry }),
    ...(reason && { reason }),
    ...(lastKnownState && { lastKnownState }),
    ...(providerId && { providerID: providerId }),
    ...(nodeName && { nodeName }),
    ...(retryAfter && { retryAfterMs: Number(retryAfter.seconds) * 1000 + retryAfter.nanos / 1e6 }),
    addresses: detail.addresses.map(({ type, address }) => ({ type, address })),
    violations: detail.violations.map(({ path, message }) => ({ path, message })),
  }
}

function unpackDetail(details: Uint8Array): ErrorDetail | undefined {
  try {
    return fromBinary(StatusSchema, details)
      .details.map((any) => anyUnpack(any, ErrorDetailSchema))
      .find((detail) => detail !== undefined)
  } catch {
    // Not in the public format: the status code and message still say what happened.
    return undefined
  }
}

function byteLength(text: string): number {
  return Buffer.byteLength(text)
}

function shorten(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= maxBytes) return text
  const kept = bytes.subarray(0, maxBytes).toString('utf8').replace(/�+$/, '')
  return `${kept}… (${bytes.length - Buffer.byteLength(kept)} more bytes)`
}
