import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { askForNames } from './ask.ts'
import { main } from './main.ts'

let folder: string
let printed: string
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'mcm-create-')), 'new')
  printed = ''
  for (const method of ['log', 'error'] as const) {
    vi.spyOn(console, method).mockImplementation((text) => {
      printed += `${text}\n`
    })
  }
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(join(folder, '..'), { recursive: true })
})

it('writes a plugin, and says what to do next', async () => {
  expect(await main(['my-cloud', '--yes', '--package', '@acme/plugin-my-cloud', '--folder', folder])).toBe(0)
  expect(existsSync(join(folder, 'package.json'))).toBe(true)
  expect(printed).toMatch(/has a plugin for provider my-cloud, in 13 files\..*npm install\n.*npm test\n/s)
})

it.each([
  ['no name', [], 'the name of the cloud is missing'],
  ['two names', ['a', 'b'], 'one name is enough; there is also b'],
  ['an unknown option', ['a', '--colour'], "Unknown option '--colour'"],
  [
    'wrong names, all at once',
    ['A', '--provider', '!'],
    /the name "A" must .*\nthe provider name "!" must .*\nnothing was/,
  ],
])('refuses %s, and writes nothing', async (_, args, text) => {
  expect(await main(['--yes', '--folder', folder, ...args])).toBe(1)
  expect(printed).toMatch(text)
  expect(existsSync(folder)).toBe(false)
})

it('asks for what was not given, again after what will not do, and takes an empty answer for the default', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const names = askForNames({ input, output }, { provider: 'Blue' }, 'Ada')
  const shown: string[] = []
  output.on('data', (chunk: Buffer) => {
    shown.push(chunk.toString())
    // Each answer when its question is there: a person waits for it.
    if (chunk.toString().endsWith(': ')) input.write(`${answers.shift()}\n`)
  })
  const answers = ['Blue', 'blue', '', '']
  expect(await names).toEqual({ cloud: 'blue', package: 'mcm-plugin-blue', provider: 'Blue', author: 'Ada' })
  expect(shown.join('')).toContain('the name "Blue" must be')
})

it('takes the end of the input for a no', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()]
  const names = askForNames({ input, output }, {})
  input.end()
  await expect(names).rejects.toThrow('nothing was written')
})
