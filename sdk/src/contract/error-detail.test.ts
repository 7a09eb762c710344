import { create, toBinary } from '@bufbuild/protobuf'
import { anyPack, DurationSchema } from '@bufbuild/protobuf/wkt'
import { describe, expect, it } from 'vitest'
import { isMachineCode, type MachineCode, MachineCodes } from '../errors/code.ts'
import { MachineError, type MachineErrorOptions } from '../errors/machine-error.ts'
import { decodeError, encodeError, errorDetail, grpcCode } from './error-detail.ts'
import { StatusSchema } from './gen/google/rpc/status_pb.ts'

const codes = Object.keys(MachineCodes)
  .filter(isMachineCode)
  .filter((code) => code !== 'OK')

/** Everything that an error carries over the wire. */
const partsOf = (error: MachineError) => {
  const {
    code,
    message,
    source,
    retry,
    retryAfterMs,
    reason,
    lastKnownState,
    providerID,
    nodeName,
    addresses,
    violations,
  } = error
  return {
    code,
    message,
    source,
    retry,
    retryAfterMs,
    reason,
    lastKnownState,
    providerID,
    nodeName,
    addresses,
    violations,
  }
}

const everything: MachineErrorOptions = {
  source: 'cloud',
  retry: 'later',
  retryAfterMs: 90_500,
  reason: 'InsufficientInstanceCapacity',
  lastKnownState: '{"disk":"d-1"}',
  providerID: 'aws:///eu-west-1/i-0123',
  nodeName: 'ip-10-0-0-1',
  addresses: [
    { type: 'InternalIP', address: '10.0.0.1' },
    { type: 'Hostname', address: '' },
  ],
  violations: [{ path: 'providerSpec.size', message: 'must be at least 1, is 0' }],
}

/** Bytes of both trailers on the wire, as HTTP/2 counts them: name, value and 32 for each. */
const trailerBytes = ({ message, details }: { message: string; details: Uint8Array }) => {
  const entries: [string, string][] = [
    ['grpc-status', '13'],
    ['grpc-message', encodeURI(message)],
    ['grpc-status-details-bin', Buffer.from(details).toString('base64')],
    ['content-type', 'application/grpc+proto'],
  ]
  return entries.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0)
}

describe('an error', () => {
  it.each(codes)('%s comes across the wire as it was', (code) => {
    for (const options of [{}, everything]) {
      const error = new MachineError(code as Exclude<MachineCode, 'OK'>, 'no [luck]\nat all 🚀', options)
      const status = encodeError(error)
      expect(status.code).toBe(code === 'Uninitialized' ? MachineCodes.FailedPrecondition : MachineCodes[code])
      expect(status.code).toBe(grpcCode(code))
      expect(partsOf(decodeError(status))).toEqual(partsOf(error))
    }
  })

  it.each<[string, string, MachineErrorOptions]>([
    ['a long text', 'x'.repeat(100_000), {}],
    ['a text that grows threefold', 'ü'.repeat(100_000), everything],
    ['a text of spaces', ' '.repeat(100_000), everything],
    ['the largest state', 'no capacity '.repeat(100), { ...everything, lastKnownState: 's'.repeat(4096) }],
    ['too large a state', 'no capacity', { ...everything, lastKnownState: 's'.repeat(4097) }],
    [
      'many violations',
      'bad',
      {
        violations: Array.from({ length: 500 }, (_, i) => ({
          path: `providerSpec.disks[${i}].size`,
          message: 'must be at least 1, is 0',
        })),
      },
    ],
    [
      'many addresses',
      'x'.repeat(5000),
      {
        ...everything,
        addresses: Array.from({ length: 500 }, (_, i) => ({ type: 'InternalIP', address: `10.0.0.${i}` })),
      },
    ],
    [
      'all parts at once',
      '🚀'.repeat(10_000),
      {
        ...everything,
        reason: 'r'.repeat(128),
        providerID: 'p'.repeat(512),
        nodeName: 'n'.repeat(253),
        lastKnownState: '[]"\\'.repeat(1024),
        violations: [{ path: 'p'.repeat(10_000), message: '' }],
      },
    ],
    [
      'oversized names',
      'x',
      { reason: 'r'.repeat(10_000), providerID: 'p'.repeat(10_000), nodeName: 'n'.repeat(10_000) },
    ],
  ])('with %s fits into the 8 KiB that all clients take', (_, message, options) => {
    const error = new MachineError('ResourceExhausted', message, options)
    const status = encodeError(error)
    expect(trailerBytes(status)).toBeLessThan(8192)
    const decoded = decodeError(status)
    expect(decoded.code).toBe('ResourceExhausted')
    const isWhole = JSON.stringify(partsOf(decoded)) === JSON.stringify(partsOf(error))
    expect(isWhole).toBe(!/left out, no room: /.test(status.message))
    // A body has room for all of it.
    expect(errorDetail(error).violations).toHaveLength(error.violations.length)
    expect(errorDetail(error).lastKnownState).toBe(error.lastKnownState ?? '')
  })

  it('keeps the largest state that the contract promises, and says so when it cannot', () => {
    const with4KiB = encodeError(
      new MachineError('Unavailable', 'x'.repeat(2000), { ...everything, lastKnownState: 's'.repeat(4096) }),
    )
    expect(decodeError(with4KiB).lastKnownState).toBe('s'.repeat(4096))
    const tooLarge = decodeError(
      encodeError(new MachineError('Unavailable', 'away', { lastKnownState: 's'.repeat(4097) })),
    )
    expect(partsOf(tooLarge)).toMatchObject({
      message: 'away… (left out, no room: lastKnownState of 4097 bytes)',
      lastKnownState: undefined,
    })
  })

  it('says how many violations are missing', () => {
    const violations = Array.from({ length: 100 }, (_, i) => ({
      path: `providerSpec.a[${i}]`,
      message: 'x'.repeat(100),
    }))
    const { message, violations: left } = decodeError(
      encodeError(new MachineError('InvalidArgument', 'bad', { violations })),
    )
    expect(left).toEqual(violations.slice(0, left.length))
    expect(message).toBe(`bad… (left out, no room: ${100 - left.length} of 100 violations)`)
    expect(left.length).toBeGreaterThan(20)
  })

  it('with half a character in its text can be sent', () => {
    const { message, details } = encodeError(new MachineError('NotFound', 'no \ud800'))
    expect(message).toBe('no \ufffd')
    expect(encodeURI(message)).toBe('no%20%EF%BF%BD')
    expect(decodeError({ code: 5, message, details }).message).toBe(message)
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('with %d as its time of retry can be sent', (retryAfterMs) => {
    expect(
      decodeError(encodeError(new MachineError('Unavailable', 'x', { retryAfterMs }))).retryAfterMs,
    ).toBeUndefined()
  })

  it('has the same text in both places, since Python compares them', () => {
    const { message, details } = encodeError(new MachineError('Internal', `${'x'.repeat(9000)}\n[🚀`))
    expect(decodeError({ code: 13, message, details }).message).toBe(message)
    expect(toBinary(StatusSchema, create(StatusSchema, { message })).every((byte) => details.includes(byte))).toBe(true)
  })
})

describe('a status without our details', () => {
  const foreign = toBinary(
    StatusSchema,
    create(StatusSchema, {
      code: 5,
      message: 'gone',
      details: [anyPack(DurationSchema, create(DurationSchema, { seconds: 1n }))],
    }),
  )

  it.each<[string, number, Uint8Array | undefined, MachineCode]>([
    ['without any', 5, undefined, 'NotFound'],
    ['with none', 5, new Uint8Array(), 'NotFound'],
    ['with details of others', 5, foreign, 'NotFound'],
    ['with garbage', 14, Buffer.from('not a status'), 'Unavailable'],
    ['with a code that is none', 99, undefined, 'Unknown'],
    ['with OK', 0, undefined, 'Unknown'],
  ])('%s is told by its code', (_, code, details, expected) => {
    const error = decodeError({ code, message: 'gone', details })
    expect(partsOf(error)).toEqual(partsOf(new MachineError(expected as 'Unknown', 'gone')))
  })
})
