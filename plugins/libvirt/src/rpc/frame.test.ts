import { describe, expect, test } from 'vitest'
import { ProtocolError } from './errors.ts'
import { encodeFrame, type Frame, FrameDecoder } from './frame.ts'

function frame(serial: number, payload: string): Frame {
  return { program: 0x2000_8086, version: 1, procedure: 66, type: 1, serial, status: 0, payload: Buffer.from(payload) }
}

function decode(...chunks: Uint8Array[]): Frame[] {
  const decoder = new FrameDecoder()
  return chunks.flatMap((chunk) => [...decoder.push(chunk)])
}

const wire = Buffer.concat([frame(1, 'abc'), frame(2, ''), frame(3, 'x'.repeat(300))].map(encodeFrame))
const readable = (frames: Frame[]) => frames.map(({ serial, payload }) => [serial, Buffer.from(payload).toString()])
const expected = [
  [1, 'abc'],
  [2, ''],
  [3, 'x'.repeat(300)],
]

test('the header is six words after the length, and raw payloads get no padding', () => {
  expect(Buffer.from(encodeFrame(frame(7, 'abc'))).toString('hex')).toBe(
    '0000001f 20008086 00000001 00000042 00000001 00000007 00000000 616263'.replaceAll(' ', ''),
  )
})

describe('frames come out whole, however the bytes come in', () => {
  test('all at once', () => {
    expect(readable(decode(wire))).toEqual(expected)
  })

  test.each([1, 2, 3, 5, 27, 28, 29, 200])('%i bytes at a time', (size) => {
    const chunks = Array.from({ length: Math.ceil(wire.byteLength / size) }, (_, i) =>
      wire.subarray(i * size, (i + 1) * size),
    )
    expect(readable(decode(...chunks))).toEqual(expected)
  })

  test('half a frame is none', () => {
    expect(decode(wire.subarray(0, 30))).toEqual([])
  })
})

test.each([
  ['zero', 0],
  ['less than a header', 27],
  ['more than libvirt allows', 33_554_437],
  ['"negative"', 0xffff_ffff],
])('a length that is hostile is refused before its bytes arrive: %s', (_name, length) => {
  const word = Buffer.alloc(4)
  word.writeUInt32BE(length)
  expect(() => decode(word)).toThrow(ProtocolError)
})

test('a message that is too large is not sent', () => {
  expect(() => encodeFrame({ ...frame(1, ''), payload: Buffer.alloc(33_554_409) })).toThrow(RangeError)
})
