import { type CallOptions, watchCall } from './call-options.ts'
import { decodeValue, encodeValue } from './codec.ts'
import { CallAbandoned, ConnectionLost, ProtocolError } from './errors.ts'
import { type Frame, messageStatus } from './frame.ts'
import type { OutgoingStream } from './outgoing-stream.ts'
import type { Procedure } from './procedure.ts'
import { errorFrom } from './remote-error.ts'

/** A call from the moment it is made until its answer, whoever gives it. Settles once. */
export interface PendingCall {
  readonly procedure: { readonly name: string; readonly number: number }
  readonly payload: Uint8Array
  /** Set when it goes on the wire. */
  serial: number | undefined
  /** What a good answer opens, for calls that send bytes. */
  stream: OutgoingStream | undefined
  /** True once nobody waits any more; the answer may still come. */
  readonly settled: boolean
  answer(frame: Frame): void
  lose(cause: unknown): void
}

export interface StartedCall<Reply> extends PendingCall {
  readonly result: Promise<Reply>
}

/** `onAbandon` runs when the caller gives up, so that a call which still waits can leave its queue. */
export function startCall<Args, Reply>(
  procedure: Procedure<Args, Reply>,
  args: Args,
  options: CallOptions,
  onAbandon: (call: PendingCall) => void,
): StartedCall<Reply> {
  const payload = encodeValue(procedure.args, args)
  const { promise, resolve, reject } = Promise.withResolvers<Reply>()
  let settled = false

  const settle = (outcome: () => void) => {
    if (settled) return
    settled = true
    stopWatch()
    outcome()
  }
  const call: StartedCall<Reply> = {
    procedure,
    payload,
    serial: undefined,
    stream: undefined,
    result: promise,
    get settled() {
      return settled
    },
    answer: (frame) =>
      settle(() => {
        try {
          if (frame.status === messageStatus.error) reject(errorFrom(frame, procedure.name))
          else resolve(decodeValue(procedure.reply, frame.payload))
        } catch (cause) {
          reject(unreadable(procedure.name, cause))
        }
      }),
    lose: (cause) => settle(() => reject(new ConnectionLost(procedure.name, call.serial !== undefined, cause))),
  }
  let stopWatch = () => {}
  stopWatch = watchCall(options, (reason) => {
    settle(() => reject(new CallAbandoned(procedure.name, call.serial !== undefined, reason)))
    onAbandon(call)
  })
  return call
}

function unreadable(procedure: string, cause: unknown): ProtocolError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ProtocolError(`${procedure}: unreadable answer: ${reason}`, { cause })
}
