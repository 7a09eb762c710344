import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { HookError, type Hooks } from '../hooks.ts'
import { defaultDeclarations, defaultLimits } from '../setup.ts'
import type { ConformanceConfig } from './config-schema.ts'
import { loadHooks } from './load-hooks.ts'

const folder = mkdtempSync(join(tmpdir(), 'mcm-hooks-'))
afterAll(() => rmSync(folder, { recursive: true }))
const machineClass = { metadata: { name: 'c', namespace: 'default' }, provider: 'x' }
const setup = {
  profile: 'full' as const,
  main: { machineClass },
  declares: defaultDeclarations,
  limits: defaultLimits,
  knownFailures: {},
}

async function load(hooks: ConformanceConfig['hooks']): Promise<Hooks> {
  return await loadHooks({ setup, hooks, folder }, { ...process.env, MINE: 'x' }, AbortSignal.timeout(30_000))
}

describe('hooks that are commands', () => {
  it('are told what they need to know, run in the folder of the file, and answer by what they print', async () => {
    const hooks = await load({
      fault: 'echo "$MCM_FAULT $MCM_METHOD $MCM_MACHINE $MINE" > told',
      clearFaults: 'rm told',
      vms: 'echo a; echo; echo b; echo b',
      countCalls: 'echo 7',
      userDataSha256: 'echo "of $MCM_MACHINE"',
    })
    await hooks.fault?.({ kind: 'throttled', method: 'createMachine', machine: 'm' })
    expect(readFileSync(join(folder, 'told'), 'utf8')).toBe('throttled createMachine m x\n')
    await hooks.clearFaults?.()
    expect(() => readFileSync(join(folder, 'told'))).toThrow('ENOENT')
    expect(await hooks.vms?.()).toEqual(['a', 'b', 'b'])
    expect(await hooks.countCalls?.()).toBe(7)
    expect(await hooks.userDataSha256?.('m')).toBe('of m')
    expect(hooks.restart).toBeUndefined()
  })

  it('that fail are failures of the hook, with what they print', async () => {
    const hooks = await load({ vms: 'echo "no VPN" >&2; exit 3' })
    const failed = hooks.vms?.()
    await expect(failed).rejects.toThrow(HookError)
    await expect(failed).rejects.toThrow('ended with 3: no VPN')
  })
})

describe('hooks of a module', () => {
  it('are made with what is judged', async () => {
    writeFileSync(
      join(folder, 'hooks.js'),
      'export default ({ setup, environment }) => ({ vms: async () => [setup.main.machineClass.provider, environment.MINE] })',
    )
    expect(await (await load({ module: './hooks.js' })).vms?.()).toEqual(['x', 'x'])
  })

  it('that cannot be loaded say why', async () => {
    await expect(load({ module: './nowhere.js' })).rejects.toThrow(/the hooks cannot be loaded from .*nowhere.js: /)
  })
})
