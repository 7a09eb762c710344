import { type CallContext, MachineError } from '@mcm/sdk'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Lints } from './lints.ts'

function setUp() {
  const said: string[] = []
  return { lints: new Lints((text) => said.push(text)), said }
}

describe('globals', () => {
  it('that a plugin patches are named', () => {
    const { lints, said } = setUp()
    const original = Math.max
    const { parse } = JSON
    onTestFinished(() => {
      Math.max = original
      JSON.parse = parse
      Reflect.deleteProperty(Array.prototype, 'last')
    })
    const look = lints.watchGlobals()
    Math.max = () => 7
    JSON.parse = () => 7
    Object.defineProperty(Array.prototype, 'last', { value: () => 7, configurable: true })
    look()
    expect(said).toEqual([
      "lint: it replaces JSON.parse, Math.max: other libraries in the process rely on these. Wrap, don't patch",
      'lint: it adds Array.prototype.last: use a function of your own',
    ])
  })

  it('that are only used are not', () => {
    const { lints, said } = setUp()
    const look = lints.watchGlobals()
    // Node makes these at first use.
    for (const lazy of ['fetch', 'crypto', 'WebSocket', 'navigator']) Reflect.get(globalThis, lazy)
    look()
    expect(said).toEqual([])
  })
})

describe('a signal', () => {
  const context = { signal: new AbortController().signal } as CallContext
  const later = () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    onTestFinished(() => void vi.useRealTimers())
  }

  it('that a waiting method never looks at is missed, once', () => {
    later()
    const { lints, said } = setUp()
    for (let call = 0; call < 2; call++) {
      const { ended } = lints.watchSignal('createMachine', context)
      vi.advanceTimersByTime(60)
      ended()
    }
    expect(said).toEqual([
      'lint: createMachine waits, but never looks at context.signal: a cancelled call goes on, and keeps its machine busy. Hand the signal to everything that waits',
    ])
  })

  it('is not missed where it is handed on, or where nothing waits', () => {
    later()
    const { lints, said } = setUp()
    const first = lints.watchSignal('createMachine', context)
    expect(first.context.signal).toBe(context.signal)
    vi.advanceTimersByTime(1000)
    first.ended()
    lints.watchSignal('createMachine', context).ended()
    expect(said).toEqual([])
  })
})

describe('an error', () => {
  const { signal } = new AbortController()

  it.each([
    [new TypeError('x is undefined\nsecond line'), 'TypeError (x is undefined)'],
    ['text', 'text'],
    [undefined, 'undefined'],
    [Object.assign(new Error(), { message: 5 }), 'Error (5)'],
    [Object.create(null), 'something that is no text'],
  ])('$1 that is no MachineError is named', (thrown, what) => {
    const { lints, said } = setUp()
    lints.thrown('createMachine', thrown, signal)
    expect(said).toEqual([
      `lint: createMachine threw ${what}, which is no MachineError: callers see Internal, and blame on the plugin. Throw MachineError with a code, and the error as its cause`,
    ])
  })

  it('that is one, or comes of an abort, is not', () => {
    const { lints, said } = setUp()
    lints.thrown('createMachine', new MachineError('NotFound', 'gone'), signal)
    lints.thrown('createMachine', new DOMException('aborted', 'AbortError'), AbortSignal.abort())
    expect(said).toEqual([])
  })
})
