import { expect, it } from 'vitest'
import { MachineError } from '../errors/machine-error.ts'
import { definePlugin, type PluginDefinition } from '../plugin/define-plugin.ts'
import type { SecretKeys } from '../plugin/secret.ts'
import { Type } from '../typebox.ts'
import { loadPlugin } from './load-plugin.ts'
import { classRequest, machineRequest } from './requests.ts'

const providerSpec = Type.Object({
  region: Type.String({ minLength: 1 }),
  size: Type.Union([Type.Literal('s'), Type.Literal('m')], { default: 's' }),
})
const request = machineRequest('m-1', { providerSpec: { region: 'north' }, secret: { apiToken: ' t\n', other: 'x' } })

function load(parts: Partial<PluginDefinition<typeof providerSpec, SecretKeys>> = {}) {
  return loadPlugin(
    definePlugin({
      provider: 'Acme',
      providerSpec,
      secret: { token: { required: true, aliases: ['apiToken'] }, userData: 'optional' },
      createMachine: async () => ({ providerID: 'acme:///1', nodeName: 'n' }),
      deleteMachine: async () => {},
      ...parts,
    }),
  )
}

it('gives a method what a host gives it', async () => {
  let seen: unknown
  await using plugin = load({
    async createMachine({ machine, machineClass, spec, secret }) {
      const { provider } = machineClass
      seen = {
        name: machine.metadata.name,
        provider,
        spec,
        token: secret.text('token'),
        userData: secret.has('userData'),
      }
      return { providerID: 'acme:///1', nodeName: 'n' }
    },
  })
  expect(await plugin.call('createMachine', request)).toEqual({ providerID: 'acme:///1', nodeName: 'n' })
  const spec = { region: 'north', size: 's' }
  expect(seen).toEqual({ name: 'm-1', provider: 'Acme', spec, token: 't', userData: false })
  // The caller's object is left as it is.
  expect(request.machineClass.providerSpec).toEqual({ region: 'north' })
})

it('refuses a class and a Secret that are not valid, before the plugin sees them', async () => {
  await using plugin = load({ createMachine: () => expect.unreachable() })
  const wrong = machineRequest('m-1', { providerSpec: { region: '', sise: 'm' } })
  const violations = [
    { path: 'providerSpec.sise', message: 'is not a known field' },
    { path: 'providerSpec.region', message: 'must NOT have fewer than 1 characters, is ""' },
    { path: 'secret.data.token', message: 'is required (or apiToken)' },
  ]
  await expect(plugin.call('createMachine', wrong)).rejects.toMatchObject({
    code: 'InvalidArgument',
    reason: 'SPEC_INVALID',
    violations,
  })
  expect(await plugin.call('validateMachineClass', wrong)).toEqual({ violations })
})

it("asks the plugin's own rules", async () => {
  const violations = [{ path: 'providerSpec.region', message: 'is full' }]
  await using plugin = load({ validate: () => violations, createMachine: () => expect.unreachable() })
  await expect(plugin.call('createMachine', request)).rejects.toMatchObject({ reason: 'SPEC_INVALID', violations })
  const { machineClass } = classRequest({ providerSpec: { region: 'north' } })
  expect(await plugin.call('validateMachineClass', { machineClass })).toEqual({ violations })
})

it("tells the plugin's own rules which method is to run, and for which Machine", async () => {
  const asked: unknown[] = []
  await using plugin = load({
    validate: ({ method, machine }) => {
      asked.push([method, machine?.metadata.name])
      return []
    },
  })
  const { machineClass } = request
  await plugin.call('createMachine', request)
  await plugin.call('deleteMachine', request)
  await plugin.call('validateMachineClass', { machineClass })
  expect(asked).toEqual([
    ['createMachine', 'm-1'],
    ['deleteMachine', 'm-1'],
    ['validateMachineClass', undefined],
  ])
})

it('refuses a wrong answer, and answers Unimplemented for what is left out', async () => {
  await using plugin = load({ createMachine: async () => ({ providerID: '', nodeName: 'n' }) })
  await expect(plugin.call('createMachine', request)).rejects.toMatchObject({
    code: 'Internal',
    reason: 'PLUGIN_ANSWER_INVALID',
    message: 'Acme answered CreateMachine wrongly: providerID is empty',
  })
  await expect(plugin.call('getMachineStatus', request)).rejects.toMatchObject({ code: 'Unimplemented' })
})

it('makes a MachineError of what is thrown, and keeps one that is', async () => {
  await using plugin = load({
    createMachine: () => Promise.reject(new TypeError('oh')),
    deleteMachine: () => Promise.reject(new MachineError('PermissionDenied', 'no')),
  })
  await expect(plugin.call('createMachine', request)).rejects.toMatchObject({ code: 'Internal', message: 'oh' })
  await expect(plugin.call('deleteMachine', request)).rejects.toMatchObject({ code: 'PermissionDenied' })
})

it('collects what is logged and sent, keeps clients, and disposes them', async () => {
  const disposed: string[] = []
  const plugin = load({
    async deleteMachine(_, { client, cloudRequest, logger }) {
      const made = await client(
        'key',
        () => ({ id: crypto.randomUUID() }),
        ({ id }) => void disposed.push(id),
      )
      logger.info('deleting', made)
      await cloudRequest('vm.delete', () => {})
    },
  })
  await plugin.call('deleteMachine', request)
  await plugin.call('deleteMachine', request)
  expect(disposed).toEqual([])
  await plugin[Symbol.asyncDispose]()
  const [id] = disposed
  const line = { level: 'info', message: 'deleting', fields: { id } }
  expect({ log: plugin.log, cloudRequests: plugin.cloudRequests, disposed }).toEqual({
    log: [line, line],
    cloudRequests: ['vm.delete', 'vm.delete'],
    disposed: [id],
  })
})

it('aborts a call by its signal and by its deadline', async () => {
  await using plugin = load({
    deleteMachine: (_, { signal }) =>
      new Promise((_, reject) => {
        if (signal.aborted) reject(signal.reason)
        signal.addEventListener('abort', () => reject(signal.reason))
      }),
  })
  const aborter = new AbortController()
  const call = plugin.call('deleteMachine', request, { signal: aborter.signal })
  aborter.abort()
  await expect(call).rejects.toMatchObject({ code: 'Canceled' })
  await expect(plugin.call('deleteMachine', request, { deadlineMs: 0 })).rejects.toMatchObject({
    code: 'DeadlineExceeded',
  })
})
