import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { HookError, type Hooks } from '../hooks.ts'
import type { ConformanceConfig } from './config-schema.ts'
import type { ReadConfig } from './read-config.ts'
import { SetupError } from './setup-error.ts'

/** Makes the hooks that a configuration names: those of a module, or one command each. */
export async function loadHooks(
  { hooks: named, folder, setup }: ReadConfig,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Hooks> {
  if (!named) return {}
  if (named.module === undefined) return commandHooks(named, folder, environment, signal)
  const file = resolve(folder, named.module)
  try {
    const { default: make } = (await import(pathToFileURL(file).href)) as { default?: unknown }
    if (typeof make !== 'function') throw new TypeError('it has no default export that is a function')
    return (await make({ setup, environment })) as Hooks
  } catch (error) {
    throw new SetupError(`the hooks cannot be loaded from ${file}: ${(error as Error).message}`)
  }
}

function commandHooks(
  named: NonNullable<ConformanceConfig['hooks']>,
  cwd: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Hooks {
  const run = async (command: string, variables: Record<string, string> = {}) =>
    await output(command, cwd, { ...environment, ...variables }, signal)
  const { fault, clearFaults, faults, vms, userDataSha256, duplicate, countCalls, advanceClock, restart } = named
  return {
    ...(fault && {
      fault: async ({ kind, method, machine = '' }) =>
        void (await run(fault, { MCM_FAULT: kind, MCM_METHOD: method, MCM_MACHINE: machine })),
    }),
    ...(clearFaults && { clearFaults: async () => void (await run(clearFaults)) }),
    ...(faults && { faults }),
    ...(vms && { vms: async () => (await run(vms)).split('\n').filter((line) => line.trim() !== '') }),
    ...(userDataSha256 && {
      userDataSha256: async (machine) => (await run(userDataSha256, { MCM_MACHINE: machine })).trim(),
    }),
    ...(duplicate && { duplicate: async (machine) => void (await run(duplicate, { MCM_MACHINE: machine })) }),
    ...(countCalls && { countCalls: async () => Number(await run(countCalls)) }),
    ...(advanceClock && {
      advanceClock: async (seconds) => void (await run(advanceClock, { MCM_SECONDS: String(seconds) })),
    }),
    ...(restart && { restart: async () => void (await run(restart)) }),
  }
}

/** What a command prints. One that fails, or takes longer than a minute, is a `HookError`. */
async function output(
  command: string,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<string> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(60_000)])
  const child = spawn(command, { cwd, env, shell: true, stdio: ['ignore', 'pipe', 'pipe'], signal: patience })
  let text = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk
  })
  return await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new HookError(`${command}: ${error.message}`)))
    child.once('close', (code) => {
      if (code === 0) resolve(text)
      else reject(new HookError(`${command} ended with ${code}: ${errors.trim()}`))
    })
  })
}
