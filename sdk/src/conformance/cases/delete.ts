import type { MachineRequest } from '../../model/driver.ts'
import type { ConformanceCase } from '../case.ts'
import { check, expectOkOr, fail, outcomeOf } from '../check.ts'

/** DeleteMachine: this VM, all of it, and nothing else. */
export const deleteCases: ConformanceCase[] = [
  {
    id: 'delete-removes',
    title: 'DeleteMachine removes the VM',
    requirement: 'After DeleteMachine answered OK for a machine with its providerID, there is no such VM.',
    source: 'driver contract, DeleteMachine: removes the VM of a Machine and all that was made with it',
    advice: 'Answer OK only when the cloud has taken the deletion.',
    tags: ['delete'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      const { providerID } = await run.driver.createMachine(request)
      await run.expectVms(request, 1, 'after CreateMachine')
      await run.remove(run.known(request, providerID))
      await run.expectVms(request, 0, 'after DeleteMachine with a providerID')
    },
  },
  {
    id: 'delete-by-name',
    title: 'DeleteMachine without a providerID finds the VM by name',
    requirement: 'With an empty spec.providerID all VMs of that machine name go.',
    source: 'driver contract, DeleteMachine',
    advice: 'Look the VM up by its name or tag: the providerID is not stored yet when a creation was interrupted.',
    tags: ['delete'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      await run.driver.createMachine(request)
      await run.remove(request)
      await run.expectVms(request, 0, 'after DeleteMachine without a providerID')
    },
  },
  {
    id: 'delete-all-of-name',
    title: 'DeleteMachine without a providerID removes all VMs of the name',
    requirement:
      'Where a machine has two VMs, DeleteMachine with one providerID removes that one; with an empty spec.providerID it removes all.',
    source: 'driver contract, DeleteMachine: all VMs of that name',
    advice: 'Delete every match of a search by name; go by spec.providerID alone where there is one.',
    tags: ['delete'],
    profile: 'full',
    needs: ['hooks.duplicate'],
    async run(run) {
      const request = run.request()
      const { name } = request.machine.metadata
      const { providerID } = await run.driver.createMachine(request)
      await run.duplicate(request)
      await run.remove(run.known(run.request({ name }), providerID))
      await run.expectVms(request, 1, 'after DeleteMachine with the providerID of one of two VMs')
      await run.duplicate(request)
      await run.remove(run.request({ name }))
      await run.expectVms(request, 0, 'after DeleteMachine of a machine with two VMs')
    },
  },
  {
    id: 'delete-orphan',
    title: 'DeleteMachine of an orphan, which has only a providerID',
    requirement:
      'A Machine with no more than a namespace and spec.providerID, and an empty name, is enough to remove a VM.',
    source: 'driver contract, DeleteMachine: may hold no more than name, namespace and spec.providerID',
    advice: 'Go by spec.providerID where there is one; rely on no label, class reference or status.',
    tags: ['delete'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      const { providerID } = await run.driver.createMachine(request)
      const { namespace } = request.machine.metadata
      await run.remove({
        ...request,
        machine: { metadata: { name: '', namespace }, spec: { providerID } },
      })
      await run.expectVms(request, 0, 'after DeleteMachine of an orphan')
    },
  },
  {
    id: 'delete-missing',
    title: 'DeleteMachine of a VM that never was succeeds',
    requirement: 'DeleteMachine of a machine without a VM answers OK; NotFound is accepted.',
    source: 'driver contract, DeleteMachine: a VM that is gone already is a success',
    advice: 'Take "not found" of the cloud for done.',
    tags: ['delete'],
    profile: 'core',
    async run(run) {
      await expectOkOr(run.driver.deleteMachine(run.request()), ['NotFound'], 'DeleteMachine of a machine without a VM')
    },
  },
  {
    id: 'delete-repeated',
    title: 'DeleteMachine can be repeated',
    requirement: 'DeleteMachine repeated, with the providerID of a VM that is gone, answers OK; NotFound is accepted.',
    source: 'driver contract, rules for all calls: nothing is an error because it is already done',
    advice: 'Take "not found" of the cloud for done.',
    tags: ['delete'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      const { providerID } = await run.driver.createMachine(request)
      const known = run.known(request, providerID)
      await run.remove(known)
      for (let i = 1; i < run.setup.limits.repeats; i++) {
        await expectOkOr(run.driver.deleteMachine(known), ['NotFound'], `DeleteMachine, time ${i + 1}`)
      }
    },
  },
  {
    id: 'delete-same-at-once',
    title: 'The same machine deleted many times at once',
    requirement: 'Of many equal DeleteMachine calls at once each answers OK, NotFound or Aborted, and the VM is gone.',
    source: 'driver contract, rules for all calls; upstream collects orphans while everything else goes on',
    advice: 'Take "not found" and "already going" of the cloud for done.',
    tags: ['delete', 'concurrency'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      const { providerID } = await run.driver.createMachine(request)
      const known = run.known(request, providerID)
      const calls = Array.from({ length: run.setup.limits.atOnce }, () => outcomeOf(run.driver.deleteMachine(known)))
      const outcomes = await Promise.all(calls)
      for (const outcome of outcomes) {
        if (outcome.kind === 'answer' || outcome.error.code === 'Aborted' || outcome.error.code === 'NotFound') continue
        fail(`one of them failed with ${outcome.error.code}: ${outcome.error.message}`)
      }
      check(
        outcomes.some(({ kind }) => kind === 'answer'),
        'none of them succeeded',
      )
      await run.expectVms(request, 0, 'after many DeleteMachine calls at once')
    },
  },
  {
    id: 'delete-leaves-neighbours',
    title: 'DeleteMachine leaves neighbours alone',
    requirement:
      'DeleteMachine removes the VM of that very machine name or providerID, and no other one of the cluster.',
    source: 'driver contract, DeleteMachine',
    advice: 'Compare names as a whole, not by their beginning.',
    tags: ['delete', 'names'],
    profile: 'core',
    async run(run) {
      const name = run.name()
      const requests = [name, `${name}-1`, `a${name}`, run.name()].map((one) => run.request({ name: one }))
      const [first, ...neighbours] = requests as [MachineRequest, ...MachineRequest[]]
      for (const request of requests) await run.driver.createMachine(request)
      await run.remove(first)
      await run.expectVms(first, 0, 'after DeleteMachine')
      for (const one of neighbours) await run.expectVms(one, 1, `after DeleteMachine of ${name}`)
    },
  },
  {
    id: 'delete-leaves-other-cluster',
    title: 'DeleteMachine leaves other clusters alone',
    requirement:
      'DeleteMachine never touches a VM of another cluster: not one of the same machine name, and not one whose providerID it is given.',
    source: 'driver contract, DeleteMachine: VMs of other clusters are never touched',
    advice: 'Check the tag of the cluster as part of the deletion.',
    tags: ['delete'],
    profile: 'core',
    needs: ['otherCluster'],
    async run(run) {
      const ours = run.request()
      const { name } = ours.machine.metadata
      const theirs = run.request({ name, ...(run.setup.otherCluster && { of: run.setup.otherCluster }) })
      await run.driver.createMachine(theirs)
      const { providerID } = await run.driver.createMachine(theirs)
      await run.remove(ours)
      await run.expectVms(theirs, 1, "after DeleteMachine of our machine of the same name, of the other cluster's")
      // Whatever it answers to that: the VM stays.
      await outcomeOf(run.driver.deleteMachine(run.known(ours, providerID)))
      await run.expectVms(theirs, 1, "after DeleteMachine with a providerID of the other cluster's")
    },
  },
]
