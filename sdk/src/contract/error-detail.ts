import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { anyPack, anyUnpack, durationFromMs, durationMs } from '@bufbuild/protobuf/wkt'
import { type MachineCode, MachineCodes, machineCodeOf } from '../errors/code.ts'
import { type ErrorSource, MachineError, type MachineErrorOptions, type RetryAdvice } from '../errors/machine-error.ts'
import { allParts, fitTrailer, type SizedParts } from './fit-trailer.ts'
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

/** Encodes a MachineError as a gRPC status with details, cut to what fits into trailers; the message says what is missing. */
export function encodeError(error: MachineError): WireStatus {
  const { message, detail } = fittedErrorDetail(error)
  const code = grpcCode(error.code)
  // Clients compare the message here with the one of the status: they must be the same.
  const status = create(StatusSchema, { code, message, details: [anyPack(ErrorDetailSchema, detail)] })
  return { code, message, details: toBinary(StatusSchema, status) }
}

/** Message and detail of an error, cut to what fits into trailers. */
export function fittedErrorDetail(error: MachineError): { message: string; detail: ErrorDetail } {
  const parts = fitTrailer(error)
  return { message: parts.message, detail: detailOf(error, parts) }
}

/** The whole detail of an error, for protocols that send it in a body. */
export function errorDetail(error: MachineError): ErrorDetail {
  return detailOf(error, allParts(error))
}

function detailOf(error: MachineError, parts: SizedParts): ErrorDetail {
  const { providerID, nodeName, reason, lastKnownState, addresses, violations } = parts
  const { code, source, retry, retryAfterMs } = error
  return create(ErrorDetailSchema, {
    code: MachineCodes[code],
    codeName: code,
    source: wireSource[source],
    retry: wireRetry[retry],
    ...(retryAfterMs !== undefined &&
      Number.isFinite(retryAfterMs) && { retryAfter: durationFromMs(Math.round(retryAfterMs)) }),
    reason,
    lastKnownState,
    providerId: providerID,
    nodeName,
    addresses,
    violations,
  })
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
    ...(retryAfter && { retryAfterMs: durationMs(retryAfter) }),
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
