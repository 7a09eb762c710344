import type { ConformanceCase } from '../case.ts'
import { expectSame } from '../check.ts'
import { expectIdentity, identityOf } from './create.ts'

/** A new process knows what the old one did. */
export const restartCases: ConformanceCase[] = [
  {
    id: 'restart-keeps-identity',
    title: 'VMs are the same after the driver has started anew',
    requirement:
      'After a restart, CreateMachine, GetMachineStatus and ListMachines answer the identity of before, and DeleteMachine removes the VM: nothing that counts is in the process.',
    source: 'driver contract, CreateMachine: adopts the VM that exists; upstream: the process may end at any moment',
    advice: 'Find VMs by name or tag at the cloud; keep no list of them.',
    tags: ['restart', 'create', 'status', 'list', 'delete'],
    profile: 'core',
    needs: ['restart'],
    async run(run) {
      const request = run.request()
      const vm = identityOf(await run.driver.createMachine(request))
      await run.restart()
      // It may take a moment until the new process answers.
      expectSame(
        identityOf(await run.onceFree(() => run.driver.createMachine(request))),
        vm,
        'CreateMachine after the restart',
      )
      const known = run.known(request, vm.providerID)
      if (run.has('getMachineStatus')) {
        expectIdentity(await run.status(known), vm, 'GetMachineStatus after the restart')
      }
      if (run.has('listMachines')) {
        const { name } = request.machine.metadata
        await run.settled(async () => {
          const ids = [...(await run.list())].flatMap(([id, machine]) => (machine === name ? [id] : []))
          const isSame = ids.length === 1 && ids[0] === vm.providerID
          return isSame
            ? undefined
            : `ListMachines after the restart: expected ${vm.providerID}, got ${ids.join(', ') || 'nothing'}`
        })
      }
      await run.remove(known)
      await run.expectVms(request, 0, 'after DeleteMachine')
    },
  },
]
