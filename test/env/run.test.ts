import { describe, expect, test } from 'vitest'
import { findProgram, formatCommand, RunError, run } from './run.ts'

const signal = AbortSignal.timeout(60_000)
const node = (source: string, options: Partial<Parameters<typeof run>[2]> = {}) =>
  run(process.execPath, ['-e', source], { signal, ...options })

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error,
  )
}

describe('run', () => {
  test('returns what the program wrote, and gives it its input', async () => {
    const source = 'process.stdin.pipe(process.stdout); console.error("note")'
    expect(await node(source, { input: 'déjà' })).toEqual({ code: 0, stdout: 'déjà', stderr: 'note\n' })
  })

  test('a bad exit code is an error with the command and the last lines', async () => {
    const error = await errorOf(node('for (let i = 0; i < 50; i++) console.error("line " + i); process.exitCode = 7'))
    expect(error).toBeInstanceOf(RunError)
    expect(error).toMatchObject({ code: 7, message: expect.stringMatching(/exit code 7\nline 38\n(.*\n)*line 49$/) })
  })

  test('an expected exit code is a result', async () => {
    expect(await node('process.exitCode = 7', { okCodes: [0, 7] })).toMatchObject({ code: 7 })
  })

  test('an end by a signal is an error, not success', async () => {
    const error = await errorOf(node('process.kill(process.pid, "SIGKILL")'))
    expect(error).toMatchObject({ code: undefined, message: expect.stringContaining('ended by SIGKILL') })
  })

  test('names a program that is not there', async () => {
    await expect(run('no-such-program', [], { signal })).rejects.toThrow(
      "no-such-program: there is no program 'no-such-program' on this machine",
    )
  })

  test('stops at the deadline, with all that the program started', async () => {
    // The child of the child holds the output open: without the group's end this would wait for it.
    const source = 'require("child_process").spawn("sleep", ["30"], { stdio: "inherit" })'
    await expect(node(source, { deadlineMs: 500 })).rejects.toThrow('still running after 500 ms')
  })

  test('stops at an abort, and throws its reason', async () => {
    const abort = new AbortController()
    const running = node('setInterval(() => {}, 1000)', { signal: abort.signal })
    const reason = new Error('Ctrl-C')
    setTimeout(() => abort.abort(reason), 100)
    expect(await errorOf(running)).toBe(reason)
    expect(await errorOf(node('', { signal: abort.signal }))).toBe(reason)
  })

  test('a program that ignores its input does no harm', async () => {
    expect(await node('process.exit(0)', { input: 'x'.repeat(1 << 20) })).toMatchObject({ code: 0 })
  })
})

test('a command is shown as one would type it', () => {
  expect(formatCommand('apt-get', ['-o', 'A::B=1', "it's", ''])).toBe(`apt-get -o A::B=1 'it'\\''s' ''`)
})

test('finds programs by the tools’ PATH', async () => {
  expect(await findProgram('sh')).toMatch(/\/sh$/)
  expect(await findProgram('no-such-program')).toBeUndefined()
})
