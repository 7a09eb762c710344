import { methodName } from '../../contract/methods.ts'
import type { DriverMethod } from '../../model/driver.ts'
import { isDnsSubdomain } from '../../naming/naming.ts'
import type { ConformanceCase } from '../case.ts'
import type { CaseRun } from '../case-run.ts'
import { check, expectError, outcomeOf } from '../check.ts'

/** What a driver is, and how its VMs are called. */
export const identityCases: ConformanceCase[] = [
  {
    id: 'plugin-listed',
    title: 'The endpoint lists the plugin',
    requirement:
      'ListPlugins shows the plugin that serves the provider, with its name, its version and its provider names.',
    source: 'driver contract, ListPlugins',
    advice: 'Fill in name and version in package.json, and the provider under mcm.providers.',
    tags: ['identity'],
    profile: 'core',
    needs: ['plugins'],
    async run({ description, setup }) {
      check(description !== undefined, 'no plugin is listed')
      check(description.name !== '', 'the plugin has no name')
      check(/^\d+\.\d+\.\d+/.test(description.version), `the version is "${description.version}", not like 1.2.3`)
      const provider = setup.main.machineClass.provider ?? ''
      check(description.providers.includes(provider), `its providers are ${description.providers.join(', ')}`)
    },
  },
  {
    id: 'capabilities-true',
    title: 'Capabilities say what there is',
    requirement:
      'Each method that the capabilities name is there, each other optional one answers Unimplemented. CreateMachine and DeleteMachine are mandatory.',
    source: 'driver contract, ListPlugins and the table of codes per method',
    advice: 'Leave a method out where it is not supported, rather than letting it fail.',
    tags: ['identity'],
    profile: 'core',
    needs: ['plugins'],
    async run(run) {
      const calls = optionalCalls(run)
      for (const [method, call] of Object.entries(calls) as [DriverMethod, () => Promise<unknown>][]) {
        const outcome = await outcomeOf(call())
        const isThere = outcome.kind === 'answer' || outcome.error.code !== 'Unimplemented'
        const isNamed = run.description?.capabilities.includes(method) ?? false
        // The host checks classes for every plugin, and says so for none.
        if (method === 'validateMachineClass' || method === 'generateMachineClassForMigration') continue
        check(
          isThere === isNamed,
          `${methodName(method)} is ${isNamed ? '' : 'not '}among the capabilities, and ${isThere ? 'is' : 'is not'} there`,
        )
      }
    },
  },
  {
    id: 'mandatory-methods',
    title: 'CreateMachine and DeleteMachine are there',
    requirement: 'CreateMachine and DeleteMachine never answer Unimplemented.',
    source: 'driver contract, CreateMachine and DeleteMachine: mandatory',
    advice: 'Implement both.',
    tags: ['identity', 'create', 'delete'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      for (const method of ['createMachine', 'deleteMachine'] as const) {
        const outcome = await outcomeOf<unknown>(run.driver[method](request))
        const code = outcome.kind === 'error' ? outcome.error.code : 'OK'
        check(code !== 'Unimplemented', `${methodName(method)} answers Unimplemented`)
      }
    },
  },
  {
    id: 'other-provider-refused',
    title: 'A class of another provider is refused',
    requirement: 'A MachineClass whose provider is another one gets InvalidArgument, and nothing is made.',
    source: 'driver contract, CreateMachine: InvalidArgument, the class is wrong',
    advice: 'Compare MachineClass.provider with your own name, exactly.',
    tags: ['identity', 'class', 'create'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      const other = { ...request.machineClass, provider: `${request.machineClass.provider}-other` }
      await expectError(
        run.driver.createMachine({ ...request, machineClass: other }),
        ['InvalidArgument'],
        `CreateMachine with provider ${other.provider}`,
      )
      await run.expectVms(request, 0, 'after a refused CreateMachine')
    },
  },
  {
    id: 'provider-id-form',
    title: 'providerIDs can be parsed',
    requirement:
      'A providerID has the form <scheme>://<scope>/<id>, without white space, and the part after its last slash is not empty: the cluster-autoscaler compares that part.',
    source: 'driver contract, MachineVm.providerID; upstream, CreateMachine response',
    advice: 'Make it with providerID() of the SDK.',
    tags: ['identity', 'create'],
    profile: 'core',
    async run(run) {
      const { providerID } = await run.driver.createMachine(run.request())
      check(/^[A-Za-z][A-Za-z0-9+.-]*:\/\/\S*\/[^/\s]+$/.test(providerID), `the providerID is "${providerID}"`)
    },
  },
  {
    id: 'node-name-rule',
    title: 'Node names are names of Nodes',
    requirement:
      'nodeName is a name that a Kubernetes Node can have: a DNS subdomain in lower case of at most 253 characters.',
    source: 'driver contract, MachineVm.nodeName; Kubernetes, names of objects',
    advice: 'Answer the host name under which the VM registers, in lower case.',
    tags: ['identity', 'create', 'names'],
    profile: 'core',
    async run(run) {
      const { nodeName } = await run.driver.createMachine(run.request())
      check(isDnsSubdomain(nodeName), `the nodeName is "${nodeName}"`)
    },
  },
  {
    id: 'addresses-form',
    title: 'Addresses have a type and a value',
    requirement:
      'Each address, where there are any, has a type that Kubernetes knows (Hostname, InternalIP, ExternalIP, InternalDNS, ExternalDNS) and a value.',
    source: 'driver contract, NodeAddress',
    advice: 'Leave an address out while it is not known.',
    tags: ['identity', 'create'],
    profile: 'core',
    async run(run) {
      const { addresses = [] } = await run.driver.createMachine(run.request())
      for (const { type, address } of addresses) {
        check(
          addressTypes.has(type) && Boolean(address?.trim()),
          `there is the address ${JSON.stringify({ type, address })}`,
        )
      }
    },
  },
]

const addressTypes = new Set(['Hostname', 'InternalIP', 'ExternalIP', 'InternalDNS', 'ExternalDNS'])

function optionalCalls(run: CaseRun): Partial<Record<DriverMethod, () => Promise<unknown>>> {
  const missing = run.request()
  return {
    initializeMachine: () => run.driver.initializeMachine(missing),
    getMachineStatus: () => run.driver.getMachineStatus(missing),
    listMachines: () => run.driver.listMachines(run.classRequest()),
    getVolumeIDs: () => run.driver.getVolumeIDs({ pvSpecs: [], machineClass: missing.machineClass }),
  }
}
