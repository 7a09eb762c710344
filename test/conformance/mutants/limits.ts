import { type JsonObject, MachineError, type Secret } from '@mcm/sdk'
import type { DriverCalls } from '@mcm/sdk/contract'
import { TextOnly } from '../healthy-drivers.ts'
import type { MiniVm } from '../mini-cloud.ts'
import { MiniDriver } from '../mini-driver.ts'
import type { Mutant } from './mutant.ts'

/** Wrong about user data, names and volumes. */
export const limitMutants: Mutant[] = [
  {
    id: 'cuts-user-data',
    title: 'cuts user data off after 16 KiB',
    fails: ['user-data-exact'],
    Driver: class extends MiniDriver {
      override userDataOf(secret: Secret | undefined) {
        return super.userDataOf(secret).subarray(0, 16 * 1024)
      }
    },
  },
  {
    id: 'user-data-as-text',
    title: 'takes user data for UTF-8',
    fails: ['user-data-exact'],
    Driver: class extends MiniDriver {
      override userDataOf(secret: Secret | undefined) {
        return Buffer.from(Buffer.from(super.userDataOf(secret)).toString())
      }
    },
  },
  {
    id: 'trims-user-data',
    title: 'trims user data',
    fails: ['user-data-exact'],
    Driver: class extends MiniDriver {
      override userDataOf(secret: Secret | undefined) {
        return Buffer.from(Buffer.from(super.userDataOf(secret)).toString('latin1').trim(), 'latin1')
      }
    },
  },
  {
    id: 'refuses-odd-bytes',
    title: 'refuses user data that are no UTF-8, and does not declare it',
    fails: ['user-data-odd-bytes', 'user-data-exact'],
    Driver: TextOnly,
  },
  {
    id: 'takes-more-than-text',
    title: 'takes any bytes for UTF-8, and declares that it takes text only',
    fails: ['user-data-odd-bytes'],
    declares: { userData: 'text' },
    Driver: class extends MiniDriver {
      override userDataOf(secret: Secret | undefined) {
        return Buffer.from(Buffer.from(super.userDataOf(secret)).toString())
      }
    },
  },
  {
    id: 'ascii-only',
    title: 'loses what is not ASCII, and declares that it takes text',
    fails: ['user-data-exact'],
    declares: { userData: 'text' },
    Driver: class extends TextOnly {
      override userDataOf(secret: Secret | undefined) {
        return Buffer.from(super.userDataOf(secret)).map((byte) => (byte < 128 ? byte : 63))
      }
    },
  },
  {
    id: 'refuses-empty-user-data',
    title: 'refuses empty user data, and does not declare it',
    fails: ['user-data-smallest'],
    Driver: class extends MiniDriver {
      override userDataOf(secret: Secret | undefined) {
        const { userData } = secret?.data ?? {}
        if (userData?.length === 0) throw new MachineError('InvalidArgument', 'userData are empty')
        return super.userDataOf(secret)
      }
    },
  },
  {
    id: 'takes-less-than-it-declares',
    title: 'takes empty user data, and declares that it needs one byte',
    fails: ['user-data-smallest'],
    declares: { userDataMinBytes: 1 },
    Driver: MiniDriver,
  },
  {
    id: 'fails-on-large-user-data',
    title: 'fails with Internal on user data above 32 KiB',
    fails: ['user-data-large', 'user-data-exact'],
    Driver: class extends MiniDriver {
      override userDataOf(secret: Secret | undefined) {
        const userData = super.userDataOf(secret)
        if (userData.length > 32 * 1024) throw new MachineError('Internal', 'the cloud said: 413')
        return userData
      }
    },
  },
  {
    id: 'cuts-names',
    title: 'cuts names off after 62 characters',
    fails: ['name-63-characters'],
    Driver: class extends MiniDriver {
      override tokenOf(cluster: string, name: string) {
        return super.tokenOf(cluster, name.slice(0, 62))
      }
    },
  },
  {
    id: 'cuts-node-names',
    title: 'cuts node names off after 62 characters',
    fails: ['name-63-characters'],
    Driver: class extends MiniDriver {
      override vmOf(vm: MiniVm) {
        return { ...super.vmOf(vm), nodeName: vm.name.slice(0, 62) }
      }
    },
  },
  {
    id: 'stumbles-over-unicode',
    title: 'fails with Internal on letters that a host name cannot have',
    fails: ['name-unicode'],
    Driver: class extends MiniDriver {
      override checkName(name: string) {
        if (Buffer.from(name).length !== name.length) throw new RangeError('not ASCII')
        super.checkName(name)
      }
    },
  },
  {
    id: 'knows-all-volumes',
    title: 'answers ids of volumes that are not its own',
    fails: ['volumes-known', 'volumes-unknown'],
    Driver: class extends MiniDriver {
      override volumeIdOf(spec: JsonObject) {
        return super.volumeIdOf(spec && { ...spec, ...(isObject(spec.csi) && { csi: ownCsi(spec.csi) }) })
      }
    },
  },
  {
    id: 'placeholder-volumes',
    title: 'answers an empty id for a volume that it does not know',
    fails: ['volumes-known', 'volumes-unknown', 'volumes-odd'],
    Driver: class extends MiniDriver {
      override volumeIdOf(spec: JsonObject) {
        return super.volumeIdOf(spec) ?? ''
      }
    },
  },
  {
    id: 'volumes-turned-round',
    title: 'answers volume ids in another order',
    fails: ['volumes-known'],
    Driver: class extends MiniDriver {
      override async getVolumeIDs(request: DriverCalls['getVolumeIDs']['request']) {
        return { volumeIDs: (await super.getVolumeIDs(request)).volumeIDs.reverse() }
      }
    },
  },
  {
    id: 'first-volume-only',
    title: 'answers the id of the first volume only',
    fails: ['volumes-known'],
    Driver: class extends MiniDriver {
      override async getVolumeIDs(request: DriverCalls['getVolumeIDs']['request']) {
        return { volumeIDs: (await super.getVolumeIDs(request)).volumeIDs.slice(0, 1) }
      }
    },
  },
  {
    id: 'expects-a-volume',
    title: 'fails when there are no volumes',
    fails: ['volumes-empty'],
    Driver: class extends MiniDriver {
      override async getVolumeIDs(request: DriverCalls['getVolumeIDs']['request']) {
        if (request.pvSpecs.length === 0) throw new MachineError('Internal', 'there is no first volume')
        return await super.getVolumeIDs(request)
      }
    },
  },
  {
    id: 'empty-volume-id',
    title: 'answers an empty id for a volume of its own that has none',
    fails: ['volumes-odd'],
    Driver: class extends MiniDriver {
      override volumeIdOf(spec: JsonObject) {
        return super.volumeIdOf(spec) ?? (isObject(spec.csi) && spec.csi.volumeHandle === '' ? '' : undefined)
      }
    },
  },
  {
    id: 'stumbles-over-odd-volumes',
    title: 'fails with Internal on a volume spec without a driver',
    fails: ['volumes-odd'],
    Driver: class extends MiniDriver {
      override volumeIdOf(spec: JsonObject) {
        if ('csi' in spec && !isObject(spec.csi)) throw new MachineError('Internal', 'there is no driver')
        return super.volumeIdOf(spec)
      }
    },
  },
]

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function ownCsi(csi: JsonObject): JsonObject {
  return typeof csi.driver === 'string' ? { ...csi, driver: 'csi.mini' } : csi
}
