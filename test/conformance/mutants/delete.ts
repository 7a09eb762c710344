import { MachineError } from '@mcm/sdk'
import type { MiniVm } from '../mini-cloud.ts'
import { MiniDriver } from '../mini-driver.ts'
import type { Args, Mutant } from './mutant.ts'

/** Wrong about DeleteMachine and InitializeMachine. */
export const deleteMutants: Mutant[] = [
  {
    id: 'deletes-nothing',
    title: 'answers OK after it has deleted nothing',
    fails: [
      'delete-removes',
      'create-answer-lost',
      'unknown-fields-harmless',
      'status-after-delete',
      'delete-by-name',
      'delete-orphan',
      'delete-same-at-once',
      'delete-leaves-neighbours',
      'list-holds-created',
      'name-63-characters',
      'restart-keeps-identity',
      'failed-create-can-be-deleted',
      'fault-delete-is-told',
      'delete-all-of-name',
    ],
    Driver: class extends MiniDriver {
      override async deleteMachine(...[request, options]: Args<'deleteMachine'>) {
        this.checkClass(request.machineClass)
        // So that it is wrong in one way only: credentials count.
        await this.listMachines(request, options)
        return {}
      }
    },
  },
  {
    id: 'deletes-the-first-of-several',
    title: 'deletes one of several VMs when the Machine has no providerID yet',
    fails: ['delete-all-of-name'],
    Driver: class extends MiniDriver {
      override async deleteMachine(...[request, options]: Args<'deleteMachine'>) {
        const first = this.cloud.living().find(this.fits(request))
        const { machine } = request
        const spec = { ...machine.spec, ...(first && { providerID: this.providerIDOf(first) }) }
        return await super.deleteMachine({ ...request, machine: { ...machine, spec } }, options)
      }
    },
  },
  {
    id: 'deletes-by-id-only',
    title: 'deletes nothing when the Machine has no providerID yet',
    fails: [
      'delete-by-name',
      'create-answer-lost',
      'unknown-fields-harmless',
      'delete-leaves-neighbours',
      'name-63-characters',
      'failed-create-can-be-deleted',
      'delete-all-of-name',
    ],
    Driver: class extends MiniDriver {
      override async deleteMachine(...[request, options]: Args<'deleteMachine'>) {
        const { providerID } = request.machine.spec
        return await super.deleteMachine(providerID ? request : this.#ofNobody(request), options)
      }
      #ofNobody(request: Args<'deleteMachine'>[0]) {
        return { ...request, machine: { ...request.machine, spec: { providerID: 'mini:///region/nobody' } } }
      }
    },
  },
  {
    id: 'needs-a-name',
    title: 'does not delete a VM whose Machine has no name',
    fails: ['delete-orphan'],
    Driver: class extends MiniDriver {
      override async deleteMachine(...args: Args<'deleteMachine'>) {
        this.checkName(args[0].machine.metadata.name)
        return await super.deleteMachine(...args)
      }
    },
  },
  {
    id: 'missing-is-internal',
    title: 'fails when there is nothing to delete',
    fails: ['delete-missing', 'delete-repeated', 'delete-leaves-other-cluster', 'cancel-observed', 'deadline-observed'],
    Driver: class extends MiniDriver {
      override async deleteMachine(...args: Args<'deleteMachine'>) {
        const wasThere = this.cloud.living().some(this.fits(args[0]))
        const answer = await super.deleteMachine(...args)
        if (!wasThere && args[0].machine.metadata.name !== '') throw new MachineError('Internal', 'there is no such VM')
        return answer
      }
    },
  },
  {
    id: 'deletes-once',
    title: 'fails when a VM is deleted a second time',
    fails: ['delete-repeated'],
    Driver: class extends MiniDriver {
      readonly #deleted = new Set<string>()
      override async deleteMachine(...args: Args<'deleteMachine'>) {
        const { providerID } = args[0].machine.spec
        if (providerID && this.#deleted.has(providerID)) throw new MachineError('FailedPrecondition', 'it goes already')
        const answer = await super.deleteMachine(...args)
        if (providerID) this.#deleted.add(providerID)
        return answer
      }
    },
  },
  {
    id: 'deletes-by-prefix',
    title: 'deletes all VMs whose name begins like that of the Machine',
    fails: ['delete-leaves-neighbours', 'delete-all-of-name'],
    Driver: class extends MiniDriver {
      override async deleteMachine(...args: Args<'deleteMachine'>) {
        return await withFits(
          this,
          args,
          (vm, { machine, machineClass }) =>
            vm.cluster === this.clusterOf(machineClass) && vm.name.startsWith(machine.metadata.name),
        )
      }
    },
  },
  {
    id: 'deletes-the-cluster',
    title: 'deletes all VMs of the cluster',
    fails: ['delete-leaves-neighbours', 'list-holds-created', 'name-63-characters', 'delete-all-of-name'],
    Driver: class extends MiniDriver {
      override async deleteMachine(...args: Args<'deleteMachine'>) {
        return await withFits(this, args, (vm, { machineClass }) => vm.cluster === this.clusterOf(machineClass))
      }
    },
  },
  {
    id: 'deletes-neighbours-by-name',
    title: 'deletes VMs of the same machine name in other clusters',
    fails: ['delete-leaves-other-cluster', 'delete-all-of-name'],
    Driver: class extends MiniDriver {
      override async deleteMachine(...args: Args<'deleteMachine'>) {
        return await withFits(this, args, (vm, { machine }) => vm.name === machine.metadata.name)
      }
    },
  },
  {
    id: 'deletes-neighbours-by-id',
    title: 'deletes a VM of another cluster when it is given its providerID',
    fails: ['delete-leaves-other-cluster'],
    Driver: class extends MiniDriver {
      override async deleteMachine(...args: Args<'deleteMachine'>) {
        return await withFits(this, args, (vm, { machine }) => this.providerIDOf(vm) === machine.spec.providerID)
      }
    },
  },
  {
    id: 'swallows-delete-errors',
    title: 'answers OK to DeleteMachine while the cloud is away',
    fails: ['fault-delete-is-told'],
    Driver: class extends MiniDriver {
      override async deleteMachine(...args: Args<'deleteMachine'>) {
        return await super.deleteMachine(...args).catch((error: MachineError) => {
          if (error.code !== 'Unavailable') throw error
          return {}
        })
      }
    },
  },
  {
    id: 'initializes-once',
    title: 'fails when a VM is initialized a second time',
    fails: ['initialize-repeated'],
    Driver: class extends MiniDriver {
      override async initializeMachine(...args: Args<'initializeMachine'>) {
        const done = this.cloud.living().some((vm) => vm.initialized && this.fits(args[0])(vm))
        if (done) throw new MachineError('FailedPrecondition', 'it is initialized already')
        return await super.initializeMachine(...args)
      }
    },
  },
  {
    id: 'initializes-the-missing',
    title: 'answers OK to InitializeMachine of a VM that is not there',
    fails: ['initialize-missing'],
    Driver: class extends MiniDriver {
      override async initializeMachine(...args: Args<'initializeMachine'>) {
        return await super.initializeMachine(...args).catch((error: MachineError) => {
          if (error.code !== 'NotFound') throw error
          return {}
        })
      }
    },
  },
  {
    id: 'makes-in-initialize',
    title: 'makes the VM in InitializeMachine when it is not there, and fails then',
    fails: ['initialize-missing'],
    Driver: class extends MiniDriver {
      override async initializeMachine(...args: Args<'initializeMachine'>) {
        const isThere = this.cloud.living().some(this.fits(args[0]))
        const answer = isThere ? await super.initializeMachine(...args) : await this.createMachine(...args)
        if (!isThere) throw new MachineError('NotFound', 'made just now')
        return answer
      }
    },
  },
  {
    id: 'nameless-uninitialized',
    title: 'answers Uninitialized without the identity of the VM',
    fails: ['uninitialized-way-back'],
    Driver: class extends MiniDriver {
      override async getMachineStatus(...args: Args<'getMachineStatus'>) {
        return await super.getMachineStatus(...args).catch((error: MachineError) => {
          throw error.code === 'Uninitialized' ? new MachineError('Uninitialized', error.message) : error
        })
      }
    },
  },
  {
    id: 'never-uninitialized',
    title: 'never answers Uninitialized',
    fails: ['uninitialized-way-back'],
    Driver: class extends MiniDriver {
      override async make(...args: Args<'make'>) {
        const vm = await super.make(...args)
        vm.initialized = true
        return vm
      }
    },
  },
  {
    id: 'initializes-nothing',
    title: 'answers OK to InitializeMachine and leaves the VM as it is',
    fails: ['uninitialized-way-back'],
    Driver: class extends MiniDriver {
      override async initializeMachine(...args: Args<'initializeMachine'>) {
        const answer = await super.initializeMachine(...args)
        const vm = this.cloud.living().find(this.fits(args[0]))
        if (vm && args[0].machineClass.providerSpec?.needsInitialization) vm.initialized = false
        return answer
      }
    },
  },
]

/** DeleteMachine that takes more VMs than its own. */
async function withFits(
  driver: MiniDriver,
  [request, options]: Args<'deleteMachine'>,
  also: (vm: MiniVm, request: Args<'deleteMachine'>[0]) => boolean,
) {
  driver.checkClass(request.machineClass)
  return await driver.inCloud('deleteMachine', request, options, async (caller) => {
    const fits = driver.fits(request)
    // An orphan has no name that others could begin with.
    const isNamed = request.machine.metadata.name !== ''
    await driver.cloud.remove(caller, (vm) => fits(vm) || (isNamed && also(vm, request)))
    return {}
  })
}
