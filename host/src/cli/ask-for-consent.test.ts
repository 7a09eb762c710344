import { PassThrough } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { expect, it } from 'vitest'
import { askForConsent } from './ask-for-consent.ts'

const requests = [{ name: 'acme', version: '1.1.0', permissions: ['env:A', 'net:x'], fresh: ['net:x'] }]

function terminal(isTTY = true) {
  const input = Object.assign(new PassThrough(), { isTTY: isTTY })
  const output = Object.assign(new PassThrough(), { isTTY })
  // Streams that stand in for a terminal: only what a question needs is there.
  const streams = { input, output } as unknown as Parameters<typeof askForConsent>[1]
  const shown = () => {
    const chunks: string[] = []
    for (let chunk = output.read(); chunk !== null; chunk = output.read()) chunks.push(String(chunk))
    // Without what moves the cursor.
    return stripVTControlCharacters(chunks.join(''))
  }
  return { input, streams, shown }
}

const { signal } = new AbortController()

it('shows what is asked for, and what was granted before, and takes a yes', async () => {
  const { input, streams, shown } = terminal()
  const asked = askForConsent(signal, streams)(requests)
  input.write('y\n')
  await asked
  expect(shown()).toContain('acme 1.1.0 asks for:\n  env:A  (granted before)\n  net:x\nGrant this? [y/N] ')
})

it.each(['', 'n', 'yo'])('takes %j for a no', async (answer) => {
  const { input, streams } = terminal()
  const asked = askForConsent(signal, streams)(requests)
  input.write(`${answer}\n`)
  await expect(asked).rejects.toThrow('the permissions were not granted; nothing was changed')
})

it('asks nobody where there is no terminal', async () => {
  await expect(askForConsent(signal, terminal(false).streams)(requests)).rejects.toThrow('with --allow net:x')
})

it('ends with its signal', async () => {
  const asked = askForConsent(AbortSignal.timeout(20), terminal().streams)(requests)
  await expect(asked).rejects.toThrow()
})

it('takes the end of the input for a no', async () => {
  const { input, streams } = terminal()
  const asked = askForConsent(signal, streams)(requests)
  input.end()
  await expect(asked).rejects.toThrow('were not granted')
})
