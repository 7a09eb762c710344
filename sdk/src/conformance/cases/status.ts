import type { ConformanceCase } from '../case.ts'
import { expectError, outcomeOf } from '../check.ts'
import { expectIdentity, identityOf } from './create.ts'

/** GetMachineStatus: finds the VM, and changes nothing. */
export const statusCases: ConformanceCase[] = [
  {
    id: 'status-equals-create',
    title: 'GetMachineStatus equals what CreateMachine answered',
    requirement:
      'GetMachineStatus answers the providerID and the nodeName of CreateMachine, found by name and by providerID.',
    source: 'driver contract, GetMachineStatus: spec.providerID may be empty, the VM is found by name then',
    advice: 'Build both answers with one function.',
    tags: ['status', 'create'],
    profile: 'core',
    needs: ['getMachineStatus'],
    async run(run) {
      const request = run.request()
      const vm = identityOf(await run.driver.createMachine(request))
      for (const [how, asked] of [
        ['by name', request],
        ['by providerID', run.known(request, vm.providerID)],
      ] as const) {
        expectIdentity(await run.status(asked), vm, `GetMachineStatus ${how}`)
      }
    },
  },
  {
    id: 'status-of-missing',
    title: 'GetMachineStatus of a VM that never was is NotFound',
    requirement: 'GetMachineStatus of a machine without a VM answers NotFound, and makes none.',
    source: 'driver contract, GetMachineStatus: NotFound, changes nothing',
    advice: 'Answer NotFound, not an empty identity and not another error: only then the VM is created.',
    tags: ['status'],
    profile: 'core',
    needs: ['getMachineStatus'],
    async run(run) {
      const request = run.request()
      await expectError(
        run.driver.getMachineStatus(request),
        ['NotFound'],
        'GetMachineStatus of a machine without a VM',
      )
      await run.expectVms(request, 0, 'after GetMachineStatus of a machine without a VM')
    },
  },
  {
    id: 'status-of-several',
    title: 'GetMachineStatus of a machine with two VMs is OutOfRange',
    requirement:
      'Where a machine has two VMs and no providerID yet, GetMachineStatus answers OutOfRange, and not one of them: the caller has the superfluous one collected.',
    source: 'driver contract, GetMachineStatus: OutOfRange, there are several VMs',
    advice: 'Count what a search by name finds before taking the first.',
    tags: ['status'],
    profile: 'full',
    needs: ['hooks.duplicate', 'getMachineStatus'],
    async run(run) {
      const request = run.request()
      await run.driver.createMachine(request)
      await run.duplicate(request)
      const asked = run.request({ name: request.machine.metadata.name })
      await run.settled(async () => {
        const outcome = await outcomeOf(run.driver.getMachineStatus(asked))
        const code = outcome.kind === 'answer' ? 'OK' : outcome.error.code
        return code === 'OutOfRange' ? undefined : `GetMachineStatus: expected OutOfRange, got ${code}`
      })
    },
  },
  {
    id: 'status-after-delete',
    title: 'GetMachineStatus after DeleteMachine is NotFound',
    requirement: 'After DeleteMachine, GetMachineStatus answers NotFound, by name and by the providerID that was.',
    source: 'driver contract, GetMachineStatus: NotFound',
    advice: 'Take a VM that is gone or going for none.',
    tags: ['status', 'delete'],
    profile: 'core',
    needs: ['getMachineStatus'],
    async run(run) {
      const request = run.request()
      const { providerID } = await run.driver.createMachine(request)
      await run.remove(run.known(request, providerID))
      for (const [how, asked] of [
        ['by name', request],
        ['by providerID', run.known(request, providerID)],
      ] as const) {
        await run.settled(async () => {
          const outcome = await outcomeOf(run.driver.getMachineStatus(asked))
          const code = outcome.kind === 'answer' ? 'OK' : outcome.error.code
          return code === 'NotFound'
            ? undefined
            : `GetMachineStatus ${how} after DeleteMachine: expected NotFound, got ${code}`
        })
      }
    },
  },
]
