import { randomUUID } from 'node:crypto'
import { type MachineVm, untilAborted } from '@mcm/sdk'
import type { CallOptions } from '@mcm/sdk/contract'
import { MiniCloudError, type MiniVm } from '../mini-cloud.ts'
import { MiniDriver } from '../mini-driver.ts'
import type { Args, Mutant } from './mutant.ts'

/** Wrong about CreateMachine. */
export const createMutants: Mutant[] = [
  {
    id: 'new-vm-each-time',
    title: 'makes a new VM at each CreateMachine',
    fails: [
      'create-repeated',
      'create-answer-lost',
      'create-same-at-once',
      'create-incompatible',
      'unknown-fields-harmless',
      'delete-leaves-other-cluster',
      'restart-keeps-identity',
      'fault-reset-after-execution',
    ],
    Driver: class extends MiniDriver {
      override tokenOf() {
        return randomUUID()
      }
    },
  },
  {
    id: 'new-name-each-time',
    title: 'answers a new nodeName at each CreateMachine',
    fails: [
      'create-repeated',
      'create-answer-lost',
      'create-same-at-once',
      'create-incompatible',
      'unknown-fields-harmless',
      'status-equals-create',
      'uninitialized-way-back',
      'name-63-characters',
      'restart-keeps-identity',
    ],
    Driver: class extends MiniDriver {
      #answers = 0
      override async createMachine(...args: Args<'createMachine'>) {
        const vm = await super.createMachine(...args)
        this.#answers += 1
        return { ...vm, nodeName: `${vm.nodeName}-${this.#answers}` }
      }
    },
  },
  {
    id: 'look-then-make',
    title: 'looks for the VM first, and makes it without a token then',
    fails: ['create-same-at-once'],
    Driver: class extends MiniDriver {
      override tokenOf() {
        return randomUUID()
      }
      override async createMachine(...args: Args<'createMachine'>) {
        return (await existing(this, args)) ?? (await super.createMachine(...args))
      }
    },
  },
  {
    id: 'gone-caller',
    title: 'forgets a VM whose caller went away',
    fails: ['create-answer-lost'],
    Driver: class extends MiniDriver {
      readonly #gone = new Set<string>()
      override tokenOf(cluster: string, name: string) {
        return `${super.tokenOf(cluster, name)}${this.#gone.has(name) ? '/again' : ''}`
      }
      override async createMachine(...[request, options]: Args<'createMachine'>) {
        const making = super.createMachine(request, withoutSignal(options))
        making.catch(() => {})
        try {
          return await untilAborted(making, this.signalOf(options))
        } catch (error) {
          if (this.signalOf(options).aborted) this.#gone.add(request.machine.metadata.name)
          throw error
        }
      }
    },
  },
  {
    id: 'mixes-calls-up',
    title: 'keeps the name of the machine outside the call',
    fails: ['create-many-at-once'],
    Driver: class extends MiniDriver {
      #name = ''
      override async createMachine(...args: Args<'createMachine'>) {
        this.#name = args[0].machine.metadata.name
        const vm = await super.createMachine(...args)
        return { ...vm, nodeName: this.#name }
      }
    },
  },
  {
    id: 'adopts-the-dead',
    title: 'answers a VM from memory that has been deleted',
    fails: ['create-again-after-delete'],
    Driver: class extends MiniDriver {
      readonly #vms = new Map<string, MachineVm>()
      override async createMachine(...args: Args<'createMachine'>) {
        const [{ machine, machineClass }] = args
        const key = JSON.stringify([machine.metadata.name, machineClass])
        const vm = this.#vms.get(key) ?? (await super.createMachine(...args))
        this.#vms.set(key, vm)
        return vm
      }
    },
  },
  {
    id: 'adopts-anything',
    title: 'adopts a VM with other parameters',
    fails: ['create-incompatible'],
    Driver: class extends MiniDriver {
      override async createMachine(...args: Args<'createMachine'>) {
        const [{ machine, machineClass }] = args
        const there = this.cloud
          .living()
          .find(({ name, cluster }) => name === machine.metadata.name && cluster === this.clusterOf(machineClass))
        this.checkClass(machineClass)
        return there ? this.vmOf(there) : await super.createMachine(...args)
      }
    },
  },
  {
    id: 'trusts-state',
    title: 'fails on a lastKnownState that it did not write',
    fails: ['create-foreign-state'],
    Driver: class extends MiniDriver {
      override async createMachine(...args: Args<'createMachine'>) {
        const { lastKnownState } = args[0].machine.status ?? {}
        if (lastKnownState) JSON.parse(lastKnownState)
        return await super.createMachine(...args)
      }
    },
  },
  {
    id: 'writes-into-request',
    title: 'writes the providerID into the Machine that it is given',
    fails: ['request-unchanged'],
    Driver: class extends MiniDriver {
      override async createMachine(...args: Args<'createMachine'>) {
        const vm = await super.createMachine(...args)
        args[0].machine.spec.providerID = vm.providerID
        return vm
      }
    },
  },
  {
    id: 'refuses-unknown-keys',
    title: 'refuses Secret keys that it does not know',
    fails: ['unknown-fields-harmless'],
    Driver: class extends MiniDriver {
      override async createMachine(...args: Args<'createMachine'>) {
        const unknown = Object.keys(args[0].secret?.data ?? {}).filter((key) => key !== 'token' && key !== 'userData')
        if (unknown.length > 0) throw new TypeError(`unknown ${unknown}`)
        return await super.createMachine(...args)
      }
    },
  },
  {
    id: 'goes-by-labels',
    title: 'finds the VM by a label of the Machine',
    fails: ['unknown-fields-harmless'],
    Driver: class extends MiniDriver {
      #label = ''
      override tokenOf(cluster: string, name: string) {
        return `${super.tokenOf(cluster, name)}/${this.#label}`
      }
      override async createMachine(...args: Args<'createMachine'>) {
        this.#label = JSON.stringify(args[0].machine.metadata.labels ?? {})
        return await super.createMachine(...args)
      }
    },
  },
  {
    id: 'second-vm-after-reset',
    title: 'takes a new token after a broken connection',
    fails: ['fault-reset-after-execution'],
    Driver: class extends MiniDriver {
      readonly #reset = new Set<string>()
      override tokenOf(cluster: string, name: string) {
        return `${super.tokenOf(cluster, name)}${this.#reset.has(name) ? '/again' : ''}`
      }
      override async make(...args: Args<'make'>) {
        return await super.make(...args).catch((error: MiniCloudError) => {
          if (error.status === 'reset') this.#reset.add(args[2])
          throw error
        })
      }
    },
  },
  {
    id: 'names-last',
    title: 'gives the VM its name after it has made it, in a second step',
    fails: ['failed-create-can-be-deleted'],
    Driver: class extends MiniDriver {
      override async make(...[caller, request, name]: Args<'make'>) {
        const vm = await super.make(caller, request, '')
        vm.name = name
        return vm
      }
    },
  },
]

async function existing(driver: MiniDriver, [request, options]: Args<'createMachine'>): Promise<MachineVm | undefined> {
  driver.checkClass(request.machineClass)
  return await driver.inCloud('createMachine', request, options, async (caller) => {
    const { name } = request.machine.metadata
    const found: MiniVm | undefined = (await driver.all(caller, driver.clusterOf(request.machineClass))).find(
      (vm) => vm.name === name,
    )
    if (found && found.size !== request.machineClass.providerSpec?.size) throw new MiniCloudError(409, 'other size')
    return found && driver.vmOf(found)
  })
}

function withoutSignal(options: CallOptions = {}): CallOptions {
  const { signal: _, ...rest } = options
  return rest
}
