import { MachineError, type MachineErrorOptions } from '@mcm/sdk'
import { expect, it } from 'vitest'
import { hostError } from '../../host-error.ts'
import { findingOf } from './finding.ts'

const error = (code: ConstructorParameters<typeof MachineError>[0], options?: MachineErrorOptions) =>
  new MachineError(code, 'x', options)

it.each([
  ['away', error('Unavailable')],
  ['away', error('Unavailable', { retryAfterMs: 5000, reason: 'Throttled' })],
  // Not about the cloud as a whole, whatever it says.
  ['answered', error('ResourceExhausted', { retryAfterMs: 5000, reason: 'InsufficientInstanceCapacity' })],
  ['answered', error('NotFound')],
  ['answered', error('Unauthenticated')],
  ['answered', MachineError.uninitialized({ providerID: 'x:///1', nodeName: 'n' })],
  ['nothing', error('DeadlineExceeded')],
  ['nothing', error('Internal')],
  ['nothing', error('InvalidArgument')],
  ['nothing', error('Unavailable', { source: 'plugin' })],
  ['nothing', hostError('PLUGIN_ENDED', 'x', { source: 'plugin' })],
  ['nothing', hostError('CALL_CANCELED', 'x')],
  ['nothing', hostError('MACHINE_BUSY', 'x')],
  ['nothing', new Error('a bug')],
] as const)('is %s after %o', (kind, thrown) => {
  expect(findingOf(thrown).kind).toBe(kind)
})
