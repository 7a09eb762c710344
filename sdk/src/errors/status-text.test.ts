import { describe, expect, it } from 'vitest'
import { isMachineCode, MachineCodes, machineCodeOf } from './code.ts'
import { balanceBrackets, formatStatusText, parseStatusText } from './status-text.ts'

const prefix = 'machine codes error: code = '

describe('machine codes', () => {
  it('are the 18 of upstream, by name and by number', () => {
    expect(Object.keys(MachineCodes).map((name, number) => [name, number])).toEqual(Object.entries(MachineCodes))
    expect(Object.keys(MachineCodes)).toHaveLength(18)
    expect(machineCodeOf(17)).toBe('Uninitialized')
    for (const number of [-1, 18, 1.5, Number.NaN]) expect(machineCodeOf(number)).toBe('Unknown')
    for (const text of ['NOT_FOUND', 'PRECONDITION_FAILED', 'notFound', 'Code(18)', 'toString', '']) {
      expect(isMachineCode(text)).toBe(false)
    }
  })
})

describe('status text', () => {
  it.each(Object.keys(MachineCodes).filter(isMachineCode))('renders and parses %s', (code) => {
    const text = formatStatusText(code, 'why [it] failed')
    expect(text).toBe(`machine codes error: code = [${code}] message = [why [it] failed]`)
    expect(parseStatusText(text)).toEqual({ code, message: 'why [it] failed', ok: true })
  })

  it.each([
    [`${prefix}[NotFound] message = [gone]`, 'NotFound', 'gone', true],
    [`wrap: ${prefix}[Internal] message = [x]`, 'Internal', 'x', true],
    [`${prefix}[Internal] message = [IDs - [i-1 i-2] ]`, 'Internal', 'IDs - [i-1 i-2] ', true],
    [`${prefix}[Internal] message = [a [b]`, 'Unknown', `${prefix}[Internal] message = [a [b]`, false],
    [`${prefix}[Internal] message = [a] (see [b])`, 'Unknown', `${prefix}[Internal] message = [a] (see [b])`, false],
    ['[x] failed with [y]', 'Unknown', 'y', true],
    [`${prefix}[Internal] message = []`, 'Internal', '', true],
    ['plain text', 'Unknown', 'plain text', false],
    ['', 'Unknown', '', false],
    [`] ${prefix}[Internal] message = [x]`, 'Internal', 'x', true],
    [`${prefix}[NOT_FOUND] message = [x]`, 'Unknown', 'x', true],
    [`${prefix}[Code(18)] message = [x]`, 'Unknown', 'x', true],
    [`${prefix}[Internal] message = [two\nlines 🚀]`, 'Internal', 'two\nlines 🚀', true],
  ])('parses %j as upstream does', (text, code, message, ok) => {
    expect(parseStatusText(text)).toEqual({ code, message, ok })
  })

  it.each([
    ['a [b', 'a (b'],
    ['a] b', 'a) b'],
    ['[a [b] ]', '[a [b] ]'],
    [']a[ [b]', ')a( [b]'],
    ['none', 'none'],
  ])('balances %j', (text, balanced) => {
    expect(balanceBrackets(text)).toBe(balanced)
    expect(parseStatusText(formatStatusText('Internal', balanceBrackets(text)))).toMatchObject({ code: 'Internal' })
  })
})
