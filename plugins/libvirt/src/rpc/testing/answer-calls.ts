import { decodeValue } from '../codec.ts'
import { LibvirtError } from '../errors.ts'
import { messageType } from '../frame.ts'
import { type Procedure, remoteProgram } from '../procedure.ts'
import type { FakeLibvirtd, Received } from './fake-libvirtd.ts'

/** How a scripted daemon answers the calls of one procedure. */
export interface Script {
  readonly procedure: number
  answer(daemon: FakeLibvirtd, received: Received): void
}

/** Answers with what the function returns, or fails with the `LibvirtError` that it throws. */
export function on<A, R>(procedure: Procedure<A, R>, answer: (args: A) => R): Script {
  return {
    procedure: procedure.number,
    answer(daemon, received) {
      try {
        daemon.reply(received, procedure, answer(decodeValue(procedure.args, received.frame.payload)))
      } catch (error) {
        if (!(error instanceof LibvirtError)) throw error
        daemon.fail(received, error.code, error.detail)
      }
    },
  }
}

/** For the functions of a script: what libvirtd says when it cannot. */
export function failure(code: number, detail = 'scripted'): LibvirtError {
  return new LibvirtError({ code, detail, domain: 10, level: 2, procedure: 'scripted' })
}

/** Answers calls by a script from now on. A call that the script does not know fails with libvirt's error 3. */
export function answerCalls(daemon: FakeLibvirtd, scripts: readonly Script[]): void {
  const isCall = ({ program, type }: Received['frame']) => program === remoteProgram.number && type === messageType.call
  const serve = async () => {
    for (let next = 0; ; next++) {
      const received = (await daemon.frames(isCall, next + 1))[next]
      if (!received) return
      const script = scripts.find(({ procedure }) => procedure === received.frame.procedure)
      if (script) script.answer(daemon, received)
      else daemon.fail(received, 3, `procedure ${received.frame.procedure} is not in the script`)
    }
  }
  // Ends with the daemon, which then tells of no more frames.
  void serve()
}
