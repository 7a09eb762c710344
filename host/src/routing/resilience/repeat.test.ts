import { type MachineCode, MachineError } from '@mcm/sdk'
import { driverMethods, MachineCodes } from '@mcm/sdk/contract'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { hostError } from '../../host-error.ts'
import { repeatAfterMs } from './repeat.ts'

beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(1))
afterEach(() => void vi.restoreAllMocks())

const away = (retryAfterMs?: number) =>
  new MachineError('Unavailable', 'x', retryAfterMs === undefined ? {} : { retryAfterMs })
const ended = hostError('PLUGIN_ENDED', 'x', { source: 'plugin' })

it('is done for calls that only look, when the cloud is away, and for no others', () => {
  const codes = (Object.keys(MachineCodes) as MachineCode[]).filter((code) => code !== 'OK')
  const repeated = driverMethods.flatMap((method) =>
    codes
      .filter(
        (code) => repeatAfterMs(method, new MachineError(code, 'x', { source: 'cloud' }), 0, 60_000) !== undefined,
      )
      .map((code) => [method, code]),
  )
  expect(repeated).toEqual([
    ['getMachineStatus', 'Unavailable'],
    ['listMachines', 'Unavailable'],
    ['getVolumeIDs', 'Unavailable'],
  ])
  expect(driverMethods.filter((method) => repeatAfterMs(method, ended, 0, 60_000) !== undefined)).toEqual([
    'getMachineStatus',
    'listMachines',
    'getVolumeIDs',
  ])
})

it.each([
  ['twice, each time later', away(), [200, 400, undefined]],
  ['once when the plugin ended, lest one call uses up how often it may', ended, [200, undefined, undefined]],
  ['when the cloud says', away(3000), [3000, 3000, undefined]],
  [
    'not when the cloud asks for more time than a caller should wait unknowing',
    away(5000),
    [undefined, undefined, undefined],
  ],
  ['not when the host is to blame', hostError('HOST_STOPPING', 'x'), [undefined, undefined, undefined]],
  [
    'not when the plugin cannot be started',
    hostError('PLUGIN_UNUSABLE', 'x', { source: 'plugin' }),
    [undefined, undefined, undefined],
  ],
] as const)('is done %s', (_, error, expected) => {
  expect([0, 1, 2].map((repeats) => repeatAfterMs('getMachineStatus', error, repeats, 60_000))).toEqual(expected)
})

it('leaves the deadline of the caller alone', () => {
  expect(repeatAfterMs('listMachines', away(), 0, 201)).toBe(200)
  expect(repeatAfterMs('listMachines', away(), 0, 200)).toBeUndefined()
  expect(repeatAfterMs('listMachines', away(1000), 0, 900)).toBeUndefined()
})
