import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensurePython } from '../env/python.ts'
import { run } from '../env/run.ts'
import { HostProcess } from '../quickstart/host-process.ts'
import { pythonPackages } from './python-packages.ts'

const signal = new AbortController().signal
const mcm = fileURLToPath(new URL('../../host/bin/mcm.js', import.meta.url))
const script = fileURLToPath(new URL('./stranger.py', import.meta.url))

interface Answer {
  ok?: Record<string, unknown>
  error?: string
  message?: string
  details?: Record<string, unknown>[]
}

let folder: string
let host: HostProcess
let seen: { services: string[]; health: Record<string, string> } & Record<string, Answer>

beforeAll(async () => {
  const python = await ensurePython('python-grpc-1.85', pythonPackages, {
    signal,
    confirm: async () => true,
    log: (line) => console.log(line),
  })
  folder = await mkdtemp('/tmp/mcm-clients-')
  host = await HostProcess.start(mcm, folder, signal)
  const address = host.endpoint.replace('unix://', 'unix:')
  const { stdout } = await run(python, [script, address, `file://${join(folder, 'cloud.db')}`], { signal })
  seen = JSON.parse(stdout)
})

afterAll(async () => {
  await host?.stop()
  if (folder) await rm(folder, { recursive: true })
})

describe('a Python client that learned the contract by reflection', () => {
  it('sees the services and their health', () => {
    expect(seen.services).toEqual(
      expect.arrayContaining(['grpc.health.v1.Health', 'mcm.driver.v1.Driver', 'mcm.driver.v1.Plugins']),
    )
    expect(seen.health).toEqual({ '': 'SERVING', fake: 'SERVING' })
  })

  it('makes a machine, once, and removes it', () => {
    expect(seen.created?.ok).toMatchObject({
      providerID: expect.stringMatching(/^fake:\/\/\/eu-1\//),
      nodeName: 'from-python',
    })
    expect(seen.again).toEqual(seen.created)
    expect(seen.status?.ok).toMatchObject({ providerID: seen.created?.ok?.providerID })
    expect(Object.values(seen.list?.ok?.machineList as object).sort()).toEqual(['from-python', 'raw'])
    expect(seen.deleted).toMatchObject({ ok: {} })
    expect(seen.deletedAgain).toMatchObject({ ok: {} })
  })

  it.each([
    [
      'unknownProvider',
      'INVALID_ARGUMENT',
      { code: 3, codeName: 'InvalidArgument', reason: 'PROVIDER_UNKNOWN', source: 'ERROR_SOURCE_HOST' },
    ],
    ['badSpec', 'INVALID_ARGUMENT', { code: 3, reason: 'SPEC_INVALID', retry: 'RETRY_ADVICE_AFTER_CHANGE' }],
    ['missingSecretKey', 'INVALID_ARGUMENT', { code: 3, reason: 'SECRET_INVALID' }],
    ['notFound', 'NOT_FOUND', { code: 5, codeName: 'NotFound', source: 'ERROR_SOURCE_CLOUD' }],
    ['uninitialized', 'FAILED_PRECONDITION', { code: 17, codeName: 'Uninitialized', nodeName: 'raw' }],
    ['empty', 'INVALID_ARGUMENT', { code: 3, reason: 'REQUEST_INCOMPLETE' }],
  ])('gets the status and the detail of %s', (key, status, detail) => {
    expect(seen[key]).toMatchObject({ error: status, details: [detail] })
  })

  it('gets all violations of a bad spec, with their paths', () => {
    const violations = seen.badSpec?.details?.[0]?.violations as { path: string }[]
    expect(violations.map(({ path }) => path).sort()).toEqual([
      'providerSpec.machineType',
      'providerSpec.unknown',
      'providerSpec.zone',
    ])
    for (const { path } of violations) expect(seen.badSpec?.message).toContain(path)
  })

  it('gets the identity of a VM that is not initialized', () => {
    expect(seen.uninitialized?.details?.[0]).toMatchObject({
      providerID: seen.uninitializedCreated?.ok?.providerID,
      nodeName: 'raw',
    })
  })
})
