import type { DriverCalls } from '../../model/driver.ts'
import { sleep } from '../../wait/wait.ts'
import type { ConformanceCase } from '../case.ts'
import { check, expectError, expectSame, fail, type Outcome, outcomeOf } from '../check.ts'

/** CreateMachine: the VM of a Machine, and never a second one. */
export const createCases: ConformanceCase[] = [
  {
    id: 'create-repeated',
    title: 'CreateMachine repeated gives one VM and the same answer',
    requirement:
      'A CreateMachine that is repeated adopts the VM that is there: same providerID, same nodeName, no second VM.',
    source: 'driver contract, CreateMachine: makes the VM of a Machine, or adopts the one that exists',
    advice: 'Look for the VM by the machine name first, or give the cloud a client token made from it.',
    tags: ['create'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      const first = identityOf(await run.driver.createMachine(request))
      for (let i = 1; i < run.setup.limits.repeats; i++) {
        expectSame(
          identityOf(await run.driver.createMachine(request)),
          first,
          `answer ${i + 1} of the same CreateMachine`,
        )
      }
      await run.expectVms(request, 1, `after ${run.setup.limits.repeats} times the same CreateMachine`)
    },
  },
  {
    id: 'create-answer-lost',
    title: 'CreateMachine whose answer was lost',
    requirement:
      'When a caller goes away while its VM is being made, a repeated CreateMachine ends with exactly one VM, and DeleteMachine removes it.',
    source: 'driver contract, rules for all calls: nothing is made twice',
    advice: 'Make the VM so that its name or token tells whose it is from the first moment, and look for it again.',
    tags: ['create', 'cancel'],
    profile: 'core',
    async run(run) {
      for (const afterMs of goneAfterMs) {
        const request = run.request()
        const gone = new AbortController()
        const lost = outcomeOf(run.driver.createMachine(request, { signal: gone.signal }))
        if (afterMs > 0) await sleep(afterMs, run.signal)
        gone.abort()
        await lost
        const vm = await run.onceFree(() => run.driver.createMachine(request))
        expectSame(identityOf(await run.driver.createMachine(request)), identityOf(vm), 'the answer after that')
        await run.expectVms(request, 1, 'after a CreateMachine whose caller went away, and another')
        await run.remove(request)
        await run.expectVms(request, 0, 'after DeleteMachine')
      }
    },
  },
  {
    id: 'create-same-at-once',
    title: 'The same machine asked for many times at once',
    requirement:
      'Of many equal CreateMachine calls at once each answers the same VM or Aborted, at least one succeeds, and there is one VM.',
    source: 'driver contract, rules for all calls: at most one changing call runs per machine',
    advice: 'Let the cloud refuse a second VM of the name, or serialise by machine.',
    tags: ['create', 'concurrency'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      const { atOnce } = run.setup.limits
      const outcomes = await Promise.all(
        Array.from({ length: atOnce }, () => outcomeOf(run.driver.createMachine(request))),
      )
      const vms = new Set<string>()
      for (const outcome of outcomes) {
        if (outcome.kind === 'answer') vms.add(JSON.stringify(identityOf(outcome.answer)))
        else if (outcome.error.code !== 'Aborted')
          fail(`one of them failed with ${outcome.error.code}: ${outcome.error.message}`)
      }
      check(vms.size > 0, 'all of them were aborted')
      check(vms.size === 1, `they answered ${vms.size} different VMs: ${[...vms].join(', ')}`)
      await run.expectVms(request, 1, `after ${atOnce} equal CreateMachine calls at once`)
    },
  },
  {
    id: 'create-many-at-once',
    title: 'Many machines at once',
    requirement: 'CreateMachine of many machines at once makes each of them, each with an identity of its own.',
    source: 'driver contract, MachineVm.providerID: identity of the VM; upstream runs up to 50 creations at once',
    advice: 'Keep nothing of a call outside the call.',
    tags: ['create', 'concurrency'],
    profile: 'core',
    async run(run) {
      const requests = Array.from({ length: run.setup.limits.atOnce }, () => run.request())
      const vms = await Promise.all(requests.map((request) => run.driver.createMachine(request)))
      for (const key of ['providerID', 'nodeName'] as const) {
        const different = new Set(vms.map((vm) => vm[key])).size
        check(different === vms.length, `${vms.length} machines have only ${different} different ${key}s`)
      }
      for (const request of requests) await run.expectVms(request, 1, `after ${requests.length} machines at once`)
    },
  },
  {
    id: 'create-again-after-delete',
    title: 'A name can be used again',
    requirement: 'After DeleteMachine, CreateMachine of the same name makes a VM that is there.',
    source: 'driver contract, CreateMachine',
    advice: 'Do not adopt a VM that is gone or going.',
    tags: ['create', 'delete'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      await run.driver.createMachine(request)
      await run.remove(request)
      // Where looks lag, a driver may take the old VM for alive: nobody uses a name again that fast.
      if (run.setup.limits.settleSeconds > 0 && run.has('listMachines')) {
        const { name } = request.machine.metadata
        const look = async () =>
          [...(await run.list()).values()].includes(name) ? `ListMachines has ${name}` : undefined
        await run.settled(look)
      }
      const again = await run.driver.createMachine(request)
      check(again.providerID !== '' && again.nodeName !== '', 'the second VM has no identity')
      await run.expectVms(request, 1, 'after create, delete and create again')
    },
  },
  {
    id: 'create-incompatible',
    title: 'A VM with other parameters is not adopted',
    requirement: 'CreateMachine of a name whose VM has other parameters answers AlreadyExists, and changes nothing.',
    source: 'driver contract, CreateMachine: AlreadyExists',
    advice: 'Compare what there is with what is asked for before adopting it.',
    tags: ['create'],
    profile: 'core',
    needs: ['incompatible'],
    async run(run) {
      const request = run.request()
      const vm = identityOf(await run.driver.createMachine(request))
      const { name } = request.machine.metadata
      const other = run.request({ name, ...(run.setup.incompatible && { of: run.setup.incompatible }) })
      await expectError(run.driver.createMachine(other), ['AlreadyExists'], 'CreateMachine with other parameters')
      expectSame(identityOf(await run.driver.createMachine(request)), vm, 'the VM after that')
    },
  },
  {
    id: 'create-foreign-state',
    title: 'An unknown lastKnownState does no harm',
    requirement:
      'A lastKnownState that the driver cannot read, for example of an older version, does not stop CreateMachine.',
    source: 'driver contract, MachineStatus.lastKnownState',
    advice: 'Take what cannot be read for absent.',
    tags: ['create'],
    profile: 'core',
    async run(run) {
      const machine = { status: { lastKnownState: '{"conformance": [not json' } }
      await run.driver.createMachine(run.request({ machine }))
    },
  },
  {
    id: 'request-unchanged',
    title: 'Requests are read-only',
    requirement: 'A call changes nothing in the objects that it is given.',
    source: 'driver contract, MachineCall: everything in it is read-only',
    advice: 'Copy before you change.',
    tags: ['create', 'delete'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      const before = structuredClone([request.machine, request.machineClass])
      await run.driver.createMachine(request)
      await run.remove(request)
      expectSame([request.machine, request.machineClass], before, 'machine and class after the calls')
    },
  },
  {
    id: 'unknown-fields-harmless',
    title: 'Fields that mean nothing to the driver do no harm',
    requirement:
      'Labels, annotations, owners, a node template with unknown content, and Secret keys that the driver does not know change nothing about the VM.',
    source: 'driver contract, Machine and Secret',
    advice: 'Read only what you need, and let the rest be.',
    tags: ['create', 'class'],
    profile: 'core',
    async run(run) {
      const request = run.request()
      const vm = identityOf(await run.driver.createMachine(request))
      const { name } = request.machine.metadata
      const decorated = run.request({
        name,
        secretData: { 'conformance.unknown-key_1': Buffer.from('unknown') },
        machine: {
          metadata: {
            ...request.machine.metadata,
            uid: '6f2f3c9e-0000-4000-8000-000000000000',
            labels: { 'conformance.mcm.dev/label': 'x' },
            annotations: { 'conformance.mcm.dev/note': 'ü "quoted" \n line' },
            ownerReferences: [{ apiVersion: 'machine.sapcloud.io/v1alpha1', kind: 'MachineSet', name: 'set' }],
            finalizers: ['machine.sapcloud.io/machine-controller-manager'],
          },
          spec: {
            ...request.machine.spec,
            nodeTemplate: { metadata: { labels: { a: 'b' } }, unknownToAll: [1, { two: null }] },
            creationTimeout: '20m',
          },
        },
      })
      expectSame(identityOf(await run.driver.createMachine(decorated)), vm, 'the VM of the same machine')
      await run.remove(decorated)
      await run.expectVms(request, 0, 'after DeleteMachine')
    },
  },
]

// At once, and while the call is on its way, at the driver, or at the cloud: where it is must not matter.
const goneAfterMs = [0, 2, 10]

/** The part of an answer that must not change; addresses come and go. */
export function identityOf({ providerID, nodeName }: DriverCalls['getMachineStatus']['response']) {
  return { providerID, nodeName }
}

/** Expects an answer with a certain identity. */
export function expectIdentity(
  outcome: Outcome<DriverCalls['getMachineStatus']['response']>,
  vm: { providerID: string; nodeName: string },
  what: string,
): void {
  if (outcome.kind === 'error') fail(`${what} failed with ${outcome.error.code}: ${outcome.error.message}`)
  expectSame(identityOf(outcome.answer), vm, what)
}
