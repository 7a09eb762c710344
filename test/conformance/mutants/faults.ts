import { MachineError } from '@mcm/sdk'
import type { CallOptions } from '@mcm/sdk/contract'
import type { MiniCloudError } from '../mini-cloud.ts'
import { MiniDriver } from '../mini-driver.ts'
import type { Mutant } from './mutant.ts'

/** Wrong about trouble at the cloud. */
export const faultMutants: Mutant[] = [
  {
    id: 'deaf-to-cancellation',
    title: 'goes on with a call that was cancelled',
    fails: ['cancel-observed'],
    Driver: class extends MiniDriver {
      override signalOf(options: CallOptions = {}) {
        const { signal: _, ...rest } = options
        return super.signalOf(rest)
      }
    },
  },
  {
    id: 'deaf-to-deadlines',
    title: 'goes on after the deadline',
    fails: ['deadline-observed'],
    Driver: class extends MiniDriver {
      override signalOf({ signal }: CallOptions = {}) {
        return super.signalOf(signal ? { signal } : {})
      }
    },
  },
  {
    id: 'throttled-is-exhausted',
    title: 'answers ResourceExhausted when the cloud throttles',
    fails: ['fault-throttled'],
    Driver: answering(429, 'ResourceExhausted'),
  },
  {
    id: 'throttled-is-final',
    title: 'advises not to try again when the cloud throttles',
    fails: ['fault-throttled'],
    Driver: class extends MiniDriver {
      override errorOf(error: MiniCloudError) {
        if (error.status !== 429) return super.errorOf(error)
        return new MachineError('Unavailable', error.message, { retry: 'after-change', retryAfterMs: 1 })
      }
    },
  },
  {
    id: 'capacity-is-unavailable',
    title: 'answers Unavailable when the cloud has no capacity',
    fails: ['fault-out-of-capacity'],
    Driver: answering(507, 'Unavailable'),
  },
  {
    id: 'refused-is-unavailable',
    title: 'answers Unavailable when CreateMachine finds the credentials refused',
    fails: ['secret-malformed', 'fault-unauthorised'],
    Driver: class extends MiniDriver {
      override async createMachine(...args: Parameters<MiniDriver['createMachine']>) {
        return await super.createMachine(...args).catch((error: MachineError) => {
          throw error.code === 'Unauthenticated' ? new MachineError('Unavailable', error.message) : error
        })
      }
    },
  },
  {
    id: 'timeout-is-internal',
    title: 'answers Internal when the cloud takes too long',
    fails: ['fault-timeout'],
    Driver: answering(408, 'Internal'),
  },
  {
    id: 'blames-itself',
    title: 'takes the blame for a broken cloud',
    fails: ['fault-server-error'],
    Driver: class extends MiniDriver {
      override errorOf(error: MiniCloudError) {
        if (error.status !== 503) return super.errorOf(error)
        return new MachineError('Unavailable', error.message, { source: 'plugin' })
      }
    },
  },
]

function answering(status: MiniCloudError['status'], code: 'ResourceExhausted' | 'Unavailable' | 'Internal') {
  return class extends MiniDriver {
    override errorOf(error: MiniCloudError) {
      return error.status === status ? new MachineError(code, error.message) : super.errorOf(error)
    }
  }
}
