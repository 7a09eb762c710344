import { type ConformanceSetup, defaultDeclarations, defaultLimits, type Target } from '@mcm/sdk/conformance'
import type { DriverMethod } from '@mcm/sdk/contract'
import type { MiniCloud } from './mini-cloud.ts'
import type { MiniDriver } from './mini-driver.ts'

const secret = { data: { token: Buffer.from('mini:secret0key') } }

function classOf(providerSpec: { cluster: string; size: string; needsInitialization?: boolean }) {
  const metadata = { name: 'worker', namespace: 'default' }
  return { machineClass: { metadata, provider: 'mini', providerSpec }, secret }
}

/** What drivers of the tiny cloud are judged with. */
export const miniSetup: ConformanceSetup = {
  profile: 'full',
  main: classOf({ cluster: 'a', size: 's' }),
  otherCluster: classOf({ cluster: 'b', size: 's' }),
  incompatible: classOf({ cluster: 'a', size: 'm' }),
  uninitialized: classOf({ cluster: 'a', size: 's', needsInitialization: true }),
  volumes: {
    known: ['v-1', 'v-2'].map((id) => ({ spec: { csi: { driver: 'csi.mini', volumeHandle: id } }, id })),
    unknown: [{ hostPath: { path: '/data' } }],
  },
  declares: defaultDeclarations,
  limits: defaultLimits,
  knownFailures: {},
}

/** How a driver presents itself. */
export interface MiniTraits {
  version?: string
  capabilities?: readonly DriverMethod[]
}

/** All methods of a driver that is whole. */
export const miniCapabilities: readonly DriverMethod[] = [
  'createMachine',
  'deleteMachine',
  'getMachineStatus',
  'listMachines',
  'initializeMachine',
  'getVolumeIDs',
  'validateMachineClass',
]

/** A driver in this process; a restart makes a new one. */
export function miniTarget(
  cloud: MiniCloud,
  make: (cloud: MiniCloud) => MiniDriver,
  { version = '1.0.0', capabilities = miniCapabilities }: MiniTraits = {},
): Target {
  let driver = make(cloud)
  return {
    get driver() {
      return driver
    },
    place: 'in process',
    logLines: () => cloud.log,
    restart: async () => {
      driver = make(cloud)
    },
    describe: async () => ({
      name: 'mini',
      version,
      providers: ['mini'],
      capabilities,
      requiredSecretKeys: ['token'],
    }),
  }
}
