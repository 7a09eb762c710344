import { randomUUID } from 'node:crypto'
import { MachineError } from '@mcm/sdk'
import type { MiniCaller, MiniVm } from '../mini-cloud.ts'
import { MiniDriver } from '../mini-driver.ts'
import type { Args, Mutant } from './mutant.ts'

/** Wrong about GetMachineStatus and ListMachines. */
export const lookMutants: Mutant[] = [
  {
    id: 'other-form-in-status',
    title: 'answers another providerID in GetMachineStatus than in CreateMachine',
    fails: ['status-equals-create', 'uninitialized-way-back', 'name-63-characters', 'restart-keeps-identity'],
    Driver: class extends MiniDriver {
      override async getMachineStatus(...args: Args<'getMachineStatus'>) {
        const vm = await super.getMachineStatus(...args)
        return { ...vm, providerID: vm.providerID.replace('/region/', '/') }
      }
    },
  },
  {
    id: 'status-by-id-only',
    title: 'finds the VM in GetMachineStatus by its providerID only',
    fails: ['status-equals-create', 'name-63-characters', 'fault-status-is-told', 'status-of-several'],
    Driver: class extends MiniDriver {
      override async getMachineStatus(...args: Args<'getMachineStatus'>) {
        const [{ machine, machineClass }] = args
        this.checkClass(machineClass)
        this.credentialOf(args[0].secret)
        const isKnown =
          machine.spec.providerID || this.cloud.living().every(({ name }) => name !== machine.metadata.name)
        if (!isKnown) throw new MachineError('NotFound', 'there is no providerID')
        return await super.getMachineStatus(...args)
      }
    },
  },
  {
    id: 'empty-for-missing',
    title: 'answers an empty identity for a VM that is not there',
    fails: ['status-of-missing', 'status-after-delete'],
    Driver: class extends MiniDriver {
      override async getMachineStatus(...args: Args<'getMachineStatus'>) {
        return await super.getMachineStatus(...args).catch((error: MachineError) => {
          if (error.code !== 'NotFound') throw error
          return { providerID: '', nodeName: '' }
        })
      }
    },
  },
  {
    id: 'unknown-for-missing',
    title: 'answers Unknown for a VM that is not there',
    fails: ['status-of-missing', 'status-after-delete'],
    Driver: class extends MiniDriver {
      override async getMachineStatus(...args: Args<'getMachineStatus'>) {
        return await super.getMachineStatus(...args).catch((error: MachineError) => {
          throw error.code === 'NotFound' ? new MachineError('Unknown', error.message) : error
        })
      }
    },
  },
  {
    id: 'says-nothing',
    title: 'answers NotFound without a word',
    fails: ['status-of-missing'],
    Driver: class extends MiniDriver {
      override async getMachineStatus(...args: Args<'getMachineStatus'>) {
        return await super.getMachineStatus(...args).catch((error: MachineError) => {
          throw error.code === 'NotFound' ? new MachineError('NotFound', '') : error
        })
      }
    },
  },
  {
    id: 'makes-in-status',
    title: 'makes the VM in GetMachineStatus',
    fails: ['status-of-missing', 'status-after-delete'],
    Driver: class extends MiniDriver {
      override async getMachineStatus(...args: Args<'getMachineStatus'>) {
        return await super.getMachineStatus(...args).catch(async (error: MachineError) => {
          if (error.code !== 'NotFound') throw error
          return await this.createMachine(...args)
        })
      }
    },
  },
  {
    id: 'remembers-the-dead',
    title: 'still finds a VM by its providerID after it has been deleted',
    fails: ['status-after-delete'],
    Driver: class extends MiniDriver {
      override async getMachineStatus(...args: Args<'getMachineStatus'>) {
        const { providerID } = args[0].machine.spec
        const gone = [...this.cloud.vms.values()].find(
          (vm) => vm.shownUntil < Infinity && this.providerIDOf(vm) === providerID,
        )
        return gone ? this.vmOf(gone) : await super.getMachineStatus(...args)
      }
    },
  },
  {
    id: 'away-is-not-found',
    title: 'answers NotFound in GetMachineStatus while the cloud is away',
    fails: ['fault-status-is-told'],
    Driver: class extends MiniDriver {
      override async getMachineStatus(...args: Args<'getMachineStatus'>) {
        return await super.getMachineStatus(...args).catch((error: MachineError) => {
          throw error.code === 'Unavailable' ? new MachineError('NotFound', error.message) : error
        })
      }
    },
  },
  {
    id: 'first-page-only',
    title: 'lists the first page only',
    fails: ['list-pages', 'fault-later-page-is-told'],
    Driver: class extends MiniDriver {
      override async all(caller: MiniCaller, cluster: string | undefined) {
        const query = cluster === undefined ? {} : { cluster }
        return (await this.cloud.list(caller, query)).vms
      }
    },
  },
  {
    id: 'short-list-when-a-page-fails',
    title: 'lists what it has so far when a later page fails',
    fails: ['fault-later-page-is-told'],
    Driver: class extends MiniDriver {
      override async all(caller: MiniCaller, cluster: string | undefined) {
        const vms: MiniVm[] = []
        const query = cluster === undefined ? {} : { cluster }
        let from: number | undefined = 0
        while (from !== undefined) {
          const isFirst = from === 0
          const page: { vms: MiniVm[]; next?: number } = await this.cloud
            .list(caller, { ...query, from })
            .catch((error) => {
              if (isFirst) throw error
              return { vms: [] }
            })
          vms.push(...page.vms)
          from = page.next
        }
        return vms
      }
    },
  },
  {
    id: 'takes-the-first-of-several',
    title: 'takes the first of several VMs of a machine',
    fails: ['status-of-several'],
    Driver: class extends MiniDriver {
      override onlyOne(vms: MiniVm[]) {
        return vms[0]
      }
    },
  },
  {
    id: 'lists-neighbours',
    title: 'lists the VMs of other clusters',
    fails: ['list-excludes-other-cluster'],
    Driver: class extends MiniDriver {
      override async listMachines(...[request, options]: Args<'listMachines'>) {
        this.checkClass(request.machineClass)
        return await this.inCloud('listMachines', request, options, async (caller) => {
          const vms = await this.all(caller, undefined)
          return { machineList: Object.fromEntries(vms.map((vm) => [this.providerIDOf(vm), vm.name])) }
        })
      }
    },
  },
  {
    id: 'other-form-in-list',
    title: 'lists VMs under another form of the providerID',
    fails: ['list-holds-created', 'list-pages', 'list-excludes-other-cluster', 'restart-keeps-identity'],
    Driver: class extends MiniDriver {
      override async listMachines(...args: Args<'listMachines'>) {
        return await changedList(super.listMachines(...args), ([id, name]) => [id.replace('mini:///', 'mini://'), name])
      }
    },
  },
  {
    id: 'lists-no-names',
    title: 'lists VMs without the name of their Machine',
    fails: ['list-holds-created', 'restart-keeps-identity'],
    Driver: class extends MiniDriver {
      override async listMachines(...args: Args<'listMachines'>) {
        return await changedList(super.listMachines(...args), ([id]) => [id, ''])
      }
    },
  },
  {
    id: 'lists-the-dead',
    title: 'lists VMs that have been deleted',
    fails: ['list-holds-created'],
    Driver: class extends MiniDriver {
      override async listMachines(...args: Args<'listMachines'>) {
        const cluster = this.clusterOf(args[0].machineClass)
        const { machineList } = await super.listMachines(...args)
        const dead = [...this.cloud.vms.values()].filter((vm) => vm.shownUntil < Infinity && vm.cluster === cluster)
        const more = dead.map((vm): [string, string] => [this.providerIDOf(vm), vm.name])
        return { machineList: { ...machineList, ...Object.fromEntries(more) } }
      }
    },
  },
  {
    id: 'empty-list-while-away',
    title: 'lists nothing while the cloud is away',
    fails: ['fault-list-is-told', 'fault-later-page-is-told'],
    Driver: class extends MiniDriver {
      override async listMachines(...args: Args<'listMachines'>) {
        return await super.listMachines(...args).catch((error: MachineError) => {
          if (error.code !== 'Unavailable') throw error
          return { machineList: {} }
        })
      }
    },
  },
  {
    id: 'empty-list-unauthorised',
    title: 'lists nothing when the credentials are refused',
    fails: ['secret-malformed', 'fault-list-is-told'],
    Driver: class extends MiniDriver {
      override async listMachines(...args: Args<'listMachines'>) {
        return await super.listMachines(...args).catch((error: MachineError) => {
          if (error.code !== 'Unauthenticated') throw error
          return { machineList: {} }
        })
      }
    },
  },
  {
    id: 'knows-only-its-own',
    title: 'knows only the VMs that its own process has made',
    fails: ['restart-keeps-identity'],
    Driver: class extends MiniDriver {
      // What was there when the process started, it never learns of.
      readonly #strangers = new Set(this.cloud.vms.keys())
      override async all(...args: Args<'all'>) {
        return (await super.all(...args)).filter(({ id }) => !this.#strangers.has(id))
      }
    },
  },
  {
    id: 'ids-of-the-process',
    title: 'has ids that hold for one process only',
    fails: ['restart-keeps-identity'],
    Driver: class extends MiniDriver {
      readonly #process = randomUUID()
      override providerIDOf({ id }: MiniVm) {
        return `mini:///region-${this.#process}/${id}`
      }
    },
  },
]

async function changedList(
  answer: Promise<{ machineList: Record<string, string> }>,
  change: (entry: [string, string]) => [string, string],
): Promise<{ machineList: Record<string, string> }> {
  const { machineList } = await answer
  return { machineList: Object.fromEntries(Object.entries(machineList).map(change)) }
}
