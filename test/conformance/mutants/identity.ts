import type { MachineClass } from '@mcm/sdk'
import { MachineError } from '@mcm/sdk'
import type { MiniVm } from '../mini-cloud.ts'
import { MiniDriver } from '../mini-driver.ts'
import { miniCapabilities } from '../mini-setup.ts'
import type { Mutant } from './mutant.ts'

/** Wrong about what they are, and how VMs are called. */
export const identityMutants: Mutant[] = [
  {
    id: 'no-version',
    title: 'says no version of itself',
    fails: ['plugin-listed'],
    Driver: MiniDriver,
    traits: { version: '' },
  },
  {
    id: 'capability-hidden',
    title: 'has InitializeMachine, but does not name it among its capabilities',
    fails: ['capabilities-true'],
    Driver: MiniDriver,
    traits: { capabilities: miniCapabilities.filter((method) => method !== 'initializeMachine') },
  },
  {
    id: 'capability-invented',
    title: 'names GetVolumeIDs among its capabilities, but does not have it',
    fails: ['capabilities-true', 'volumes-known', 'volumes-unknown', 'volumes-empty', 'volumes-odd'],
    Driver: class extends MiniDriver {
      override async getVolumeIDs(): Promise<never> {
        throw new MachineError('Unimplemented', 'there is no GetVolumeIDs')
      }
    },
  },
  {
    id: 'delete-half-implemented',
    title: 'answers Unimplemented to DeleteMachine without a providerID',
    fails: [
      'mandatory-methods',
      'create-answer-lost',
      'create-again-after-delete',
      'request-unchanged',
      'unknown-fields-harmless',
      'delete-by-name',
      'delete-missing',
      'delete-leaves-neighbours',
      'delete-leaves-other-cluster',
      'name-63-characters',
      'cancel-observed',
      'deadline-observed',
      'failed-create-can-be-deleted',
      'delete-all-of-name',
    ],
    Driver: class extends MiniDriver {
      override async deleteMachine(...args: Parameters<MiniDriver['deleteMachine']>) {
        const [{ machine, machineClass, secret }] = args
        this.checkClass(machineClass)
        if (this.credentialOf(secret).startsWith('mini:') && !machine.spec.providerID) {
          throw new MachineError('Unimplemented', 'there is no providerID to delete')
        }
        return await super.deleteMachine(...args)
      }
    },
  },
  {
    id: 'any-provider',
    title: 'serves classes of every provider',
    fails: ['other-provider-refused'],
    Driver: class extends MiniDriver {
      override checkClass(machineClass: MachineClass) {
        super.checkClass({ ...machineClass, provider: 'mini' })
      }
    },
  },
  {
    id: 'bare-id',
    title: 'answers a bare id for a providerID',
    fails: ['provider-id-form'],
    Driver: class extends MiniDriver {
      override providerIDOf({ id }: MiniVm) {
        return id
      }
    },
  },
  {
    id: 'upper-case-node',
    title: 'answers node names in upper case',
    fails: ['node-name-rule'],
    Driver: class extends MiniDriver {
      override vmOf(vm: MiniVm) {
        return { ...super.vmOf(vm), nodeName: vm.name.toUpperCase() }
      }
    },
  },
  {
    id: 'empty-address',
    title: 'answers an address without a value while it is not known',
    fails: ['addresses-form'],
    Driver: class extends MiniDriver {
      override vmOf(vm: MiniVm) {
        return { ...super.vmOf(vm), addresses: [{ type: 'InternalIP', address: '' }] }
      }
    },
  },
  {
    id: 'private-address-type',
    title: 'answers addresses of a type of its own',
    fails: ['addresses-form'],
    Driver: class extends MiniDriver {
      override vmOf(vm: MiniVm) {
        return { ...super.vmOf(vm), addresses: [{ type: 'PrivateIPv4', address: '10.0.0.1' }] }
      }
    },
  },
]
