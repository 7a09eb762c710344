import type { ConformanceCase } from '../case.ts'
import { check, expectError, expectSame, fail } from '../check.ts'
import { expectIdentity, identityOf } from './create.ts'

/** InitializeMachine, and the way back to it. */
export const initializeCases: ConformanceCase[] = [
  {
    id: 'initialize-repeated',
    title: 'InitializeMachine can be repeated',
    requirement: 'InitializeMachine of a VM that is set up already succeeds, also when it is repeated.',
    source: 'driver contract, InitializeMachine and rules for all calls',
    advice: 'Look what is done already, and do the rest.',
    tags: ['initialize'],
    profile: 'core',
    needs: ['initializeMachine'],
    async run(run) {
      const request = run.request()
      const { providerID } = await run.driver.createMachine(request)
      const known = run.known(request, providerID)
      for (let i = 0; i < 3; i++) await run.driver.initializeMachine(known)
      await run.expectVms(request, 1, 'after InitializeMachine')
    },
  },
  {
    id: 'initialize-missing',
    title: 'InitializeMachine of a VM that never was fails',
    requirement: 'InitializeMachine of a machine without a VM is an error, best NotFound, and makes none.',
    source: 'driver contract, InitializeMachine: NotFound',
    advice: 'Answer NotFound; only CreateMachine makes VMs.',
    tags: ['initialize'],
    profile: 'core',
    needs: ['initializeMachine'],
    async run(run) {
      const request = run.request()
      const codes = ['NotFound', 'Uninitialized', 'FailedPrecondition'] as const
      await expectError(run.driver.initializeMachine(request), codes, 'InitializeMachine of a machine without a VM')
      await run.expectVms(request, 0, 'after InitializeMachine of a machine without a VM')
    },
  },
  {
    id: 'uninitialized-way-back',
    title: 'Uninitialized, and the way back',
    requirement:
      'Until InitializeMachine is done, GetMachineStatus answers Uninitialized with the providerID and nodeName of CreateMachine; after it, OK.',
    source: 'driver contract, GetMachineStatus: Uninitialized, the detail has providerID and nodeName',
    advice: 'Throw MachineError.uninitialized(vm). Without that answer a failed InitializeMachine is never repeated.',
    tags: ['initialize', 'status'],
    profile: 'full',
    needs: ['initializeMachine', 'getMachineStatus', 'uninitialized'],
    async run(run) {
      const { uninitialized } = run.setup
      const request = run.request(uninitialized && { of: uninitialized })
      const vm = identityOf(await run.driver.createMachine(request))
      const known = run.known(request, vm.providerID)
      const before = await run.status(known)
      if (before.kind === 'answer') fail('GetMachineStatus before InitializeMachine: expected Uninitialized, got OK')
      const { code, providerID, nodeName } = before.error
      check(code === 'Uninitialized', `GetMachineStatus before InitializeMachine: expected Uninitialized, got ${code}`)
      expectSame({ providerID, nodeName }, vm, 'the VM in the detail of Uninitialized')
      await run.driver.initializeMachine(known)
      expectIdentity(await run.status(known), vm, 'GetMachineStatus after InitializeMachine')
    },
  },
]
