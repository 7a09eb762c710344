import { sleep } from '../../wait/wait.ts'
import type { ConformanceCase } from '../case.ts'
import type { CaseRun } from '../case-run.ts'
import { expectError } from '../check.ts'

/** Cancellation and deadlines, while the cloud does not answer. */
export const cancelCases: ConformanceCase[] = [
  {
    id: 'cancel-observed',
    title: 'A cancelled call ends',
    requirement:
      'While the cloud does not answer, a cancelled call ends within a second, and the machine is free for the next one.',
    source: "driver contract, rules for all calls: the call's deadline and its cancellation reach the plugin",
    advice: "Hand the call's signal to everything that waits.",
    tags: ['cancel', 'faults'],
    profile: 'full',
    needs: ['fault:hang'],
    async run(run) {
      const request = run.request()
      await run.during({ kind: 'hang', method: 'createMachine', machine: request.machine.metadata.name }, async () => {
        const gone = new AbortController()
        const call = run.driver.createMachine(request, { signal: gone.signal })
        const ended = expectError(
          call,
          ['Canceled', 'DeadlineExceeded', 'Aborted'],
          'CreateMachine after its cancellation',
        )
        // It may have failed before anybody waits for it.
        ended.catch(() => {})
        // Until it waits for the cloud. If it does not yet, the requirement is the easier to meet.
        await sleep(onItsWayMs, run.signal)
        gone.abort()
        await ended
        await expectFree(run, request)
      })
    },
  },
  {
    id: 'deadline-observed',
    title: 'A call ends at its deadline',
    requirement:
      'While the cloud does not answer, a call ends within a second of its deadline, and the machine is free for the next one.',
    source: "driver contract, rules for all calls: the call's deadline and its cancellation reach the plugin",
    advice: "Hand the call's signal to everything that waits.",
    tags: ['cancel', 'faults'],
    profile: 'full',
    needs: ['fault:hang'],
    async run(run) {
      const request = run.request()
      await run.during({ kind: 'hang', method: 'createMachine', machine: request.machine.metadata.name }, async () => {
        const call = run.driver.createMachine(request, { deadlineMs: Date.now() + onItsWayMs * 2 })
        await expectError(call, ['DeadlineExceeded', 'Canceled'], 'CreateMachine after its deadline')
        await expectFree(run, request)
      })
    },
  },
]

const onItsWayMs = 50

/** Through a host the caller has its answer at once; whether the plugin has ended too shows in the next changing call. */
async function expectFree(run: CaseRun, request: Parameters<CaseRun['driver']['deleteMachine']>[0]): Promise<void> {
  await run.onceFree(() => run.remove(request), run.setup.limits.cancelSeconds)
}
