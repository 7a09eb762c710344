import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import type { CallContext } from './context.ts'
import {
  type ClassCall,
  contractVersion,
  type Driver,
  definePlugin,
  isPlugin,
  type MachineCall,
} from './define-plugin.ts'

const providerSpec = Type.Object({
  region: Type.String(),
  size: Type.Union([Type.Literal('s'), Type.Literal('m')], { default: 's' }),
  disks: Type.Optional(Type.Array(Type.Object({ sizeGiB: Type.Integer() }))),
})
const secret = { token: 'required', userData: { required: false, aliases: ['userdata'] } } as const
const vm = { providerID: 'x:///1', nodeName: 'n' }

describe('definePlugin', () => {
  it('marks the definition, so that every copy of the SDK knows it', () => {
    const definition = {
      provider: 'X',
      providerSpec,
      secret: {},
      createMachine: async () => vm,
      deleteMachine: async () => {},
    }
    const plugin = definePlugin(definition)
    expect(isPlugin(plugin)).toBe(true)
    expect(plugin).toMatchObject({ provider: 'X', contract: contractVersion })
    expect(Reflect.get(plugin, Symbol.for('mcm.plugin'))).toBe(true)
    expect(isPlugin({ provider: 'X' })).toBe(false)
    expect(isPlugin(null)).toBe(false)
  })

  it('takes an instance of a class, with what it inherits and hides', async () => {
    class Base implements Pick<Driver, 'deleteMachine'> {
      async deleteMachine() {}
    }
    class Acme extends Base {
      readonly provider = 'Acme'
      readonly providerSpec = providerSpec
      readonly secret = {}
      readonly #vm = vm
      async createMachine() {
        return this.#vm
      }
    }
    const plugin = definePlugin(new Acme())
    expect(await plugin.createMachine({} as MachineCall, {} as CallContext)).toEqual(vm)
    expect(plugin.deleteMachine).toBeTypeOf('function')
  })

  // What the compiler says about a plugin is checked with the sources; nothing here needs to run.
  it('types what a plugin is given and what it answers', () => {
    const plugin = definePlugin({
      provider: 'X',
      providerSpec,
      secret,
      async createMachine({ machine, spec, secret }, { signal }) {
        const size: 's' | 'm' = spec.size
        const first: number | undefined = spec.disks?.[0]?.sizeGiB
        secret.text('token')
        secret.bytes('userData')
        signal.throwIfAborted()
        // @ts-expect-error The plugin did not name this key.
        secret.text('password')
        // @ts-expect-error An alias is not a key of its own.
        secret.text('userdata')
        // @ts-expect-error The schema does not have it.
        spec.regoin
        // @ts-expect-error It is not one of the sizes.
        const large: 'l' = spec.size
        return { providerID: `${machine.metadata.name}${size}${first}${large}`, nodeName: 'n' }
      },
      async deleteMachine() {},
      // @ts-expect-error Both names are needed.
      async getMachineStatus() {
        return { providerID: 'x:///1' }
      },
      async listMachines({ spec, secret }: ClassCall<{ region: string }, 'token'>) {
        return { machineList: { [spec.region]: secret.text('token') } }
      },
    })
    expect(isPlugin(plugin)).toBe(true)

    // @ts-expect-error A driver makes and deletes machines, or it is none.
    definePlugin({ provider: 'X', providerSpec, secret, createMachine: async () => vm })
    const rest = { provider: 'X', providerSpec, createMachine: async () => vm, deleteMachine: async () => {} }
    // @ts-expect-error 'needed' says nothing about a key.
    definePlugin({ ...rest, secret: { token: 'needed' } })
  })
})
