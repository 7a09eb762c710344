import type { ConformanceCase } from '../case.ts'
import { check } from '../check.ts'

/** ListMachines: all VMs of the cluster, no other, and never a part of them. */
export const listCases: ConformanceCase[] = [
  {
    id: 'list-holds-created',
    title: 'ListMachines holds exactly what was created',
    requirement:
      'ListMachines has each VM under the providerID of CreateMachine, byte for byte, with its machine name; after DeleteMachine it has it no more.',
    source: 'driver contract, ListMachines: a VM under another providerID is taken for an orphan and deleted',
    advice: 'Build the providerID with the same function everywhere, and leave out VMs that are going.',
    tags: ['list', 'create', 'delete'],
    profile: 'core',
    needs: ['listMachines'],
    async run(run) {
      const before = await run.list()
      const expected = new Map<string, string>()
      const requests = Array.from({ length: 3 }, () => run.request())
      for (const request of requests) {
        const { providerID } = await run.driver.createMachine(request)
        expected.set(providerID, request.machine.metadata.name)
      }
      const compare = async (when: string) =>
        await run.settled(async () => {
          const added = [...(await run.list())].filter(([id]) => !before.has(id)).sort()
          const wanted = [...expected].sort()
          return JSON.stringify(added) === JSON.stringify(wanted)
            ? undefined
            : `${when}: expected ${JSON.stringify(wanted)}, got ${JSON.stringify(added)}`
        })
      await compare('ListMachines after three CreateMachine calls')
      const [first] = requests
      const [firstID] = [...expected.keys()]
      if (!first || firstID === undefined) return
      await run.remove(run.known(first, firstID))
      expected.delete(firstID)
      await compare('ListMachines after DeleteMachine of the first')
    },
  },
  {
    id: 'list-pages',
    title: 'ListMachines holds all pages',
    requirement: 'ListMachines has all VMs, however many pages the cloud makes of them.',
    source: 'driver contract, ListMachines: the list is complete',
    advice: "Follow the cloud's page tokens to the end.",
    tags: ['list'],
    profile: 'core',
    needs: ['listMachines'],
    async run(run) {
      const requests = Array.from({ length: run.setup.limits.listed }, () => run.request())
      const vms: string[] = []
      for (let i = 0; i < requests.length; i += run.setup.limits.atOnce) {
        const some = requests.slice(i, i + run.setup.limits.atOnce)
        for (const vm of await Promise.all(some.map((request) => run.driver.createMachine(request))))
          vms.push(vm.providerID)
      }
      await run.settled(async () => {
        const listed = await run.list()
        const missing = vms.filter((id) => !listed.has(id))
        return missing.length === 0
          ? undefined
          : `of ${vms.length} VMs, ListMachines lacks ${missing.length}: ${missing.slice(0, 3).join(', ')}`
      })
    },
  },
  {
    id: 'list-excludes-other-cluster',
    title: 'ListMachines excludes other clusters',
    requirement: 'ListMachines has no VM of another cluster: whatever it lists and no Machine claims is deleted.',
    source: 'driver contract, ListMachines: lists the VMs of the cluster that the MachineClass belongs to',
    advice: "Filter by the cluster's tag.",
    tags: ['list'],
    profile: 'core',
    needs: ['listMachines', 'otherCluster'],
    async run(run) {
      const { main, otherCluster = main } = run.setup
      const theirs = await run.driver.createMachine(run.request({ of: otherCluster }))
      const ours = await run.driver.createMachine(run.request())
      for (const [of, own, foreign] of [
        [main, ours, theirs],
        [otherCluster, theirs, ours],
      ] as const) {
        await run.settled(async () =>
          (await run.list(of)).has(own.providerID) ? undefined : `ListMachines lacks ${own.providerID}`,
        )
        check(
          !(await run.list(of)).has(foreign.providerID),
          `ListMachines has ${foreign.providerID} of another cluster`,
        )
      }
    },
  },
]
