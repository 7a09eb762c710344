import { decodeValue, i32, optional, struct, text, uuid } from './codec.ts'
import { LibvirtError } from './errors.ts'
import type { Frame } from './frame.ts'

/** The error that a frame with status "error" carries. */
export function errorFrom(frame: Frame, procedure: string): LibvirtError {
  const { code, domain, level, message } = decodeValue(remoteError, frame.payload)
  return new LibvirtError({ code, domain, level, procedure, detail: message ?? 'no message' })
}

const reference = struct({ name: text, uuid })
const domainReference = struct({ name: text, uuid, id: i32 })

/** What follows a header whose status is "error". Only the first fields carry meaning for us. */
export const remoteError = struct({
  code: i32,
  domain: i32,
  message: optional(text),
  level: i32,
  dom: optional(domainReference),
  str1: optional(text),
  str2: optional(text),
  str3: optional(text),
  int1: i32,
  int2: i32,
  net: optional(reference),
})
