import { describe, expect, it } from 'vitest'
import { MachineError } from './machine-error.ts'

const systemError = (code: string) => Object.assign(new Error(`connect ${code}`), { code })

describe('MachineError.from', () => {
  it.each([
    ['an abort', new DOMException('aborted', 'AbortError'), 'Canceled', 'host'],
    ['a time-out', new DOMException('too late', 'TimeoutError'), 'DeadlineExceeded', 'cloud'],
    ['a refused connection', systemError('ECONNREFUSED'), 'Unavailable', 'cloud'],
    ['an unknown host', systemError('ENOTFOUND'), 'Unavailable', 'cloud'],
    [
      "a failed fetch's cause",
      new TypeError('fetch failed', { cause: systemError('ECONNRESET') }),
      'Unavailable',
      'cloud',
    ],
    ['a missing file', systemError('ENOENT'), 'Internal', 'plugin'],
    ['a bug', new TypeError('x is not a function'), 'Internal', 'plugin'],
    ['a thrown text', 'oops', 'Internal', 'plugin'],
    ['a thrown nothing', undefined, 'Internal', 'plugin'],
  ])('turns %s into a code with blame and keeps the cause', (_, thrown, code, source) => {
    const error = MachineError.from(thrown)
    expect(error).toMatchObject({ code, source })
    expect(error.cause).toBe(thrown)
  })

  it('leaves a MachineError as it is, also one of another copy of the SDK', () => {
    const own = new MachineError('NotFound', 'gone')
    expect(MachineError.from(own)).toBe(own)
    const foreign = Object.assign(new Error('gone'), { code: 'NotFound', [Symbol.for('mcm.MachineError')]: true })
    expect(MachineError.from(foreign)).toBe(foreign)
    expect(MachineError.is(new Error('gone'))).toBe(false)
    expect(MachineError.is(null)).toBe(false)
  })
})

describe('MachineError', () => {
  it.each([
    ['Unavailable', 'soon'],
    ['Aborted', 'soon'],
    ['Uninitialized', 'soon'],
    ['ResourceExhausted', 'later'],
    ['PermissionDenied', 'later'],
    ['InvalidArgument', 'after-change'],
  ] as const)('%s advises to retry %s', (code, retry) => {
    expect(new MachineError(code, 'x').retry).toBe(retry)
  })

  it.each([
    ['InvalidArgument', 'host'],
    ['Canceled', 'host'],
    ['ResourceExhausted', 'cloud'],
    ['NotFound', 'cloud'],
    ['Internal', 'plugin'],
    ['Unimplemented', 'plugin'],
  ] as const)('%s blames the %s, unless it is told otherwise', (code, source) => {
    expect(new MachineError(code, 'x').source).toBe(source)
    expect(new MachineError(code, 'x', { source: 'plugin' }).source).toBe('plugin')
  })

  it('carries the VM of Uninitialized', () => {
    const vm = { providerID: 'x:///1', nodeName: 'n', addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] }
    expect(MachineError.uninitialized(vm)).toMatchObject({ code: 'Uninitialized', codeNumber: 17, ...vm })
  })
})
