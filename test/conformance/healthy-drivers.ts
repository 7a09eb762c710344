import { isUtf8 } from 'node:buffer'
import { type JsonObject, MachineError, type Secret, type Violation } from '@mcm/sdk'
import type { Declarations } from '@mcm/sdk/conformance'
import type { MiniCloud, MiniVm } from './mini-cloud.ts'
import { MiniDriver } from './mini-driver.ts'
import { type MiniTraits, miniCapabilities } from './mini-setup.ts'

/** A driver that is right, in one of the ways in which the contract lets drivers differ. */
export interface HealthyDriver {
  title: string
  make: (cloud: MiniCloud) => MiniDriver
  traits?: MiniTraits
  declares?: Partial<Declarations>
  tune?: (cloud: MiniCloud) => void
  settleSeconds?: number
  /** What cannot be judged, and need not be. */
  skips?: readonly string[]
}

const optional = [
  'initializeMachine',
  'getMachineStatus',
  'listMachines',
  'getVolumeIDs',
  'validateMachineClass',
] as const

class Minimal extends MiniDriver {
  static {
    for (const method of optional) {
      Minimal.prototype[method] = async () => {
        throw new MachineError('Unimplemented', `there is no ${method}`)
      }
    }
  }
}

class DeterministicIds extends MiniDriver {
  override providerIDOf({ cluster, name }: { cluster: string; name: string }): string {
    return `mini:///${cluster}/${name}`
  }
}

class DeletesWhatItSees extends MiniDriver {
  override async deleteMachine(...[request, options]: Parameters<MiniDriver['deleteMachine']>) {
    this.checkClass(request.machineClass)
    return await this.inCloud('deleteMachine', request, options, async (caller) => {
      const { providerID } = request.machine.spec
      const seen = (await this.all(caller, this.clusterOf(request.machineClass))).filter(this.fits(request))
      const isMeant = providerID ? this.fits(request) : (vm: MiniVm) => seen.includes(vm)
      await this.cloud.remove(caller, isMeant)
      return {}
    })
  }
}

class NotFoundOnDelete extends MiniDriver {
  override async deleteMachine(...args: Parameters<MiniDriver['deleteMachine']>) {
    const before = this.cloud.living().length
    const answer = await super.deleteMachine(...args)
    if (this.cloud.living().length === before) throw new MachineError('NotFound', 'there is no such VM')
    return answer
  }
}

class ForOldClasses extends MiniDriver {
  override violationsOf(spec: JsonObject): Violation[] {
    return super.violationsOf(spec).filter(({ message }) => message !== 'is not known')
  }
  override userDataOf(secret: Secret | undefined): Uint8Array {
    const { userData } = secret?.data ?? {}
    if (userData?.length === 0) throw new MachineError('InvalidArgument', 'userData are empty')
    return super.userDataOf(secret)
  }
}

/** Its cloud keeps user data as text. */
export class TextOnly extends MiniDriver {
  override userDataOf(secret: Secret | undefined): Uint8Array {
    const userData = super.userDataOf(secret)
    if (isUtf8(userData)) return userData
    throw new MachineError('InvalidArgument', 'userData are no UTF-8')
  }
}

/** All of them must be found conformant. */
export const healthyDrivers: readonly HealthyDriver[] = [
  { title: 'with all methods', make: (cloud) => new MiniDriver(cloud) },
  {
    title: 'with the mandatory methods only',
    make: (cloud) => new Minimal(cloud),
    traits: { capabilities: miniCapabilities.filter((method) => !optional.some((one) => one === method)) },
    skips: [
      'status-equals-create',
      'status-of-missing',
      'status-of-several',
      'status-after-delete',
      'list-holds-created',
      'list-pages',
      'list-excludes-other-cluster',
      'initialize-repeated',
      'initialize-missing',
      'uninitialized-way-back',
      'validate-class',
      'volumes-known',
      'volumes-unknown',
      'volumes-empty',
      'volumes-odd',
      'fault-status-is-told',
      'fault-list-is-told',
      'fault-later-page-is-told',
    ],
  },
  {
    title: 'whose cloud is slow',
    make: (cloud) => new MiniDriver(cloud),
    tune: (cloud) => {
      cloud.turns = 50
    },
  },
  {
    title: 'whose cloud shows changes late',
    make: (cloud) => new MiniDriver(cloud),
    tune: (cloud) => {
      cloud.lagSeconds = 30
    },
    settleSeconds: 60,
  },
  {
    title: 'whose cloud shows changes late, and that deletes by name only what it sees',
    make: (cloud) => new DeletesWhatItSees(cloud),
    tune: (cloud) => {
      cloud.lagSeconds = 30
    },
    settleSeconds: 60,
  },
  {
    title: 'that ignores unknown fields and refuses empty user data, as it declares',
    make: (cloud) => new ForOldClasses(cloud),
    declares: { unknownFields: 'ignored', userDataMinBytes: 1 },
  },
  {
    title: 'whose cloud keeps user data as text, as it declares',
    make: (cloud) => new TextOnly(cloud),
    declares: { userData: 'text' },
  },
  {
    title: 'whose ids follow from the name',
    make: (cloud) => new DeterministicIds(cloud),
    declares: { uniqueNames: true },
    skips: ['status-of-several', 'delete-all-of-name'],
  },
  { title: 'that answers NotFound when there is nothing to delete', make: (cloud) => new NotFoundOnDelete(cloud) },
]
