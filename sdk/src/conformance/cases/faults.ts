import type { MachineCode } from '../../errors/code.ts'
import type { ErrorSource, MachineError, RetryAdvice } from '../../errors/machine-error.ts'
import type { ConformanceCase } from '../case.ts'
import type { CaseRun } from '../case-run.ts'
import { check, expectError, outcomeOf } from '../check.ts'
import type { FaultKind } from '../hooks.ts'

/** Trouble at the cloud: the right code, and no VM too many afterwards. */
export const faultCases: ConformanceCase[] = [
  createFault({
    kind: 'throttled',
    title: 'A cloud that throttles',
    codes: ['Unavailable'],
    retry: ['soon'],
    advice: 'Answer Unavailable, with retryAfterMs where the cloud says when to come again.',
  }),
  createFault({
    kind: 'outOfCapacity',
    title: 'A cloud without capacity',
    codes: ['ResourceExhausted'],
    retry: ['later'],
    advice: 'Answer ResourceExhausted: the cluster-autoscaler backs off on this code only.',
  }),
  createFault({
    kind: 'unauthorised',
    title: 'A cloud that refuses the credentials',
    codes: ['Unauthenticated', 'PermissionDenied'],
    retry: ['later', 'after-change'],
    advice: 'Answer Unauthenticated for wrong credentials, PermissionDenied for missing rights.',
  }),
  createFault({
    kind: 'timeout',
    title: 'A cloud that takes too long',
    codes: ['DeadlineExceeded', 'Unavailable'],
    retry: ['soon'],
    advice: 'Answer DeadlineExceeded or Unavailable: both are tried again soon.',
  }),
  createFault({
    kind: 'serverError',
    title: 'A cloud that is broken',
    codes: ['Unavailable', 'Internal', 'Unknown'],
    retry: ['soon', 'later'],
    advice: 'Answer Unavailable for 5xx, and blame the cloud, not the plugin.',
  }),
  {
    id: 'fault-reset-after-execution',
    title: 'An answer of the cloud that got lost',
    requirement:
      'When the connection breaks after the cloud has made the VM, CreateMachine answers the VM or an error that is tried again soon; repeated, it ends with one VM.',
    source: 'driver contract, rules for all calls: nothing is made twice; Unavailable',
    advice: 'Use a client token, or look for the VM again before making one.',
    tags: ['faults', 'create'],
    profile: 'full',
    needs: ['fault:resetAfterExecution', 'hooks.vms'],
    async run(run) {
      const request = run.request()
      const { name } = request.machine.metadata
      await run.during({ kind: 'resetAfterExecution', method: 'createMachine', machine: name }, async () => {
        const outcome = await outcomeOf(run.driver.createMachine(request))
        if (outcome.kind === 'error')
          expectFault(outcome.error, ['Unavailable', 'DeadlineExceeded', 'Unknown'], 'cloud', ['soon'])
      })
      await run.onceFree(() => run.driver.createMachine(request))
      await run.expectVms(request, 1, 'after a lost answer and a repeated CreateMachine')
    },
  },
  {
    id: 'failed-create-can-be-deleted',
    title: 'What a failed CreateMachine left can be deleted',
    requirement:
      'After a CreateMachine that failed half-way, DeleteMachine without a providerID removes all that is left.',
    source: 'driver contract, CreateMachine: after a failure nothing is left that a later DeleteMachine would not find',
    advice: 'Tag what you make from the first moment, and delete by name.',
    tags: ['faults', 'create', 'delete'],
    profile: 'full',
    needs: ['fault:resetAfterExecution', 'hooks.vms'],
    async run(run) {
      const before = (await run.vms()).length
      const request = run.request()
      const fault = {
        kind: 'resetAfterExecution',
        method: 'createMachine',
        machine: request.machine.metadata.name,
      } as const
      await run.during(fault, async () => void (await outcomeOf(run.driver.createMachine(request))))
      await run.onceFree(() => run.remove(request))
      await run.expectVms(request, 0, 'after a CreateMachine that failed half-way, and DeleteMachine')
      const left = (await run.vms()).length - before
      check(left <= 0, `the cloud has ${left} VMs more than before, under another name`)
    },
  },
  {
    id: 'fault-delete-is-told',
    title: 'A failed deletion is not a success',
    requirement:
      'While the cloud refuses or is away, DeleteMachine of a VM that is there answers neither OK nor NotFound; afterwards it removes it.',
    source: 'driver contract, DeleteMachine: OK, the VM is gone',
    advice: 'Take nothing but "not found" of the cloud for done.',
    tags: ['faults', 'delete'],
    profile: 'full',
    needs: ['fault:serverError', 'fault:unauthorised'],
    async run(run) {
      for (const kind of ['serverError', 'unauthorised'] as const) {
        const request = run.request()
        const { providerID } = await run.driver.createMachine(request)
        const known = run.known(request, providerID)
        await run.during({ kind, method: 'deleteMachine', machine: request.machine.metadata.name }, async () => {
          await expectError(run.driver.deleteMachine(known), causes[kind], `DeleteMachine (${kind})`)
        })
        await run.onceFree(() => run.remove(known))
        await run.expectVms(request, 0, 'after DeleteMachine once the trouble was over')
      }
    },
  },
  {
    id: 'fault-status-is-told',
    title: 'A failed look is not "there is no VM"',
    requirement:
      'While the cloud is away, GetMachineStatus does not answer NotFound: the caller would make a second VM, or forget this one.',
    source: 'driver contract, GetMachineStatus: NotFound, there is no VM',
    advice: 'Answer NotFound only when the cloud has said so.',
    tags: ['faults', 'status'],
    profile: 'full',
    needs: ['fault:serverError', 'fault:unauthorised', 'getMachineStatus'],
    async run(run) {
      const request = run.request()
      const { providerID } = await run.driver.createMachine(request)
      for (const kind of ['serverError', 'unauthorised'] as const) {
        await run.during({ kind, method: 'getMachineStatus', machine: request.machine.metadata.name }, async () => {
          await expectError(run.driver.getMachineStatus(request), causes[kind], `GetMachineStatus by name (${kind})`)
          await expectError(
            run.driver.getMachineStatus(run.known(request, providerID)),
            causes[kind],
            `GetMachineStatus by providerID (${kind})`,
          )
        })
        // So that a host that counts failures in a row sees that the cloud is back.
        await run.onceFree(async () => {
          const outcome = await run.status(request)
          if (outcome.kind === 'error') throw outcome.error
        })
      }
    },
  },
  {
    id: 'fault-list-is-told',
    title: 'A failing list is never an empty list',
    requirement: 'While the cloud is away or refuses, ListMachines is an error: neither empty nor a part of the list.',
    source: 'driver contract, ListMachines: OK, the list is complete',
    advice: 'Let errors through, those of later pages too.',
    tags: ['faults', 'list'],
    profile: 'full',
    needs: ['fault:serverError', 'fault:unauthorised', 'listMachines'],
    async run(run) {
      await run.driver.createMachine(run.request())
      for (const kind of ['serverError', 'unauthorised'] as const) {
        await run.during({ kind, method: 'listMachines' }, async () => {
          await expectError(run.driver.listMachines(run.classRequest()), causes[kind], `ListMachines (${kind})`)
        })
        await run.onceFree(() => run.list())
      }
    },
  },
  {
    id: 'fault-later-page-is-told',
    title: 'A list that fails on a later page is no short list',
    requirement:
      'Where the first page of a list is answered and a later one fails, ListMachines is an error: what it leaves out would be taken for gone, and made again.',
    source: 'driver contract, ListMachines: OK, the list is complete',
    advice: 'Let errors of later pages through; never answer with what there is so far.',
    tags: ['faults', 'list'],
    profile: 'full',
    needs: ['fault:laterPage', 'listMachines'],
    async run(run) {
      const { listed, atOnce } = run.setup.limits
      const requests = Array.from({ length: listed }, () => run.request())
      for (let i = 0; i < listed; i += atOnce) {
        await Promise.all(requests.slice(i, i + atOnce).map((request) => run.driver.createMachine(request)))
      }
      await run.settled(async () => ((await run.list()).size < listed ? 'ListMachines lacks some' : undefined))
      await run.during({ kind: 'laterPage', method: 'listMachines' }, async () => {
        await expectError(run.driver.listMachines(run.classRequest()), causes.serverError, 'ListMachines (laterPage)')
      })
      await run.onceFree(() => run.list())
    },
  },
]

/** What each trouble may be told as. */
const causes = {
  serverError: ['Unavailable', 'Internal', 'Unknown', 'DeadlineExceeded'],
  unauthorised: ['Unauthenticated', 'PermissionDenied'],
} as const satisfies Partial<Record<FaultKind, readonly MachineCode[]>>

interface CreateFault {
  kind: Exclude<FaultKind, 'hang' | 'resetAfterExecution' | 'laterPage'>
  title: string
  codes: readonly MachineCode[]
  retry: readonly RetryAdvice[]
  advice: string
}

/** One trouble that CreateMachine meets: told rightly, and over when it is over. */
function createFault({ kind, title, codes, retry, advice }: CreateFault): ConformanceCase {
  return {
    id: `fault-${kind.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    title,
    requirement: `CreateMachine answers ${codes.join(' or ')}, blames the cloud, and advises to retry ${retry.join(' or ')}. Once the trouble is over, a repeated CreateMachine makes one VM.`,
    source: 'driver contract, table of codes of CreateMachine; ErrorDetail.source and ErrorDetail.retry',
    advice,
    tags: ['faults', 'create'],
    profile: 'full',
    needs: [`fault:${kind}`],
    async run(run: CaseRun) {
      const request = run.request()
      await run.during({ kind, method: 'createMachine', machine: request.machine.metadata.name }, async () => {
        const error = await expectError(run.driver.createMachine(request), codes, `CreateMachine (${kind})`)
        expectFault(error, codes, 'cloud', retry)
      })
      await run.onceFree(() => run.driver.createMachine(request))
      await run.expectVms(request, 1, 'after CreateMachine once the trouble was over')
    },
  }
}

function expectFault(
  error: MachineError,
  codes: readonly MachineCode[],
  source: ErrorSource,
  retry: readonly RetryAdvice[],
): void {
  check(codes.includes(error.code), `expected ${codes.join(' or ')}, got ${error.code}: ${error.message}`)
  check(error.source === source, `${error.code}: expected the source ${source}, got ${error.source}`)
  check(
    retry.includes(error.retry),
    `${error.code}: expected the advice to retry ${retry.join(' or ')}, got ${error.retry}`,
  )
}
