import { ProtocolError } from './errors.ts'
import { XdrReader, XdrWriter } from './xdr.ts'

/** One message of the protocol: a header of six words, then a payload whose layout the header decides. */
export interface Frame {
  readonly program: number
  readonly version: number
  readonly procedure: number
  readonly type: number
  readonly serial: number
  readonly status: number
  readonly payload: Uint8Array
}

export const messageType = { call: 0, reply: 1, message: 2, stream: 3, streamHole: 6 } as const
export const messageStatus = { ok: 0, error: 1, continue: 2 } as const

const lengthBytes = 4
const headerBytes = 24
/** libvirt's own limit for header and payload; the length word itself is not counted in it, but counts itself. */
const maxFrameBytes = 33_554_432 + lengthBytes
const minFrameBytes = lengthBytes + headerBytes

export function encodeFrame(frame: Frame): Uint8Array {
  const length = minFrameBytes + frame.payload.byteLength
  if (length > maxFrameBytes) throw new RangeError(`a message of ${length} bytes exceeds the limit of ${maxFrameBytes}`)
  const writer = new XdrWriter()
  writer.u32(length)
  writer.u32(frame.program)
  writer.u32(frame.version)
  writer.i32(frame.procedure)
  writer.u32(frame.type)
  writer.u32(frame.serial)
  writer.u32(frame.status)
  // Payloads of streams are raw bytes, so nothing here may pad them.
  return Buffer.concat([writer.bytes(), frame.payload], length)
}

/** Cuts a byte stream into frames, however the bytes arrive. */
export class FrameDecoder {
  #chunks: Uint8Array[] = []
  #buffered = 0;

  *push(chunk: Uint8Array): Generator<Frame> {
    this.#chunks.push(chunk)
    this.#buffered += chunk.byteLength
    for (let length = this.#nextLength(); length !== undefined; length = this.#nextLength()) {
      yield decodeFrame(this.#take(length))
    }
  }

  /** The length of the next frame once all of it is here. A hostile length is refused before anything waits for it. */
  #nextLength(): number | undefined {
    if (this.#buffered < lengthBytes) return undefined
    const first = this.#chunks[0]
    if (first === undefined || first.byteLength < lengthBytes) this.#chunks = [Buffer.concat(this.#chunks)]
    const length = new XdrReader(this.#chunks[0] ?? new Uint8Array()).u32()
    if (length < minFrameBytes || length > maxFrameBytes) throw new ProtocolError(`a message of ${length} bytes`)
    return length <= this.#buffered ? length : undefined
  }

  #take(length: number): Uint8Array {
    const all = this.#chunks.length === 1 ? this.#chunks[0] : undefined
    const bytes = all ?? Buffer.concat(this.#chunks)
    this.#buffered = bytes.byteLength - length
    this.#chunks = this.#buffered > 0 ? [bytes.subarray(length)] : []
    return bytes.subarray(lengthBytes, length)
  }
}

function decodeFrame(bytes: Uint8Array): Frame {
  const reader = new XdrReader(bytes)
  return {
    program: reader.u32(),
    version: reader.u32(),
    procedure: reader.i32(),
    type: reader.u32(),
    serial: reader.u32(),
    status: reader.u32(),
    payload: bytes.subarray(headerBytes),
  }
}
