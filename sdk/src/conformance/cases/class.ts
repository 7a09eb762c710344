import type { JsonObject } from '../../model/kubernetes.ts'
import type { ConformanceCase } from '../case.ts'
import type { CaseRun } from '../case-run.ts'
import { check, expectError, outcomeOf } from '../check.ts'
import { HookError } from '../hooks.ts'
import type { ClassAndSecret } from '../setup.ts'
import { expectIdentity, identityOf } from './create.ts'

/** A MachineClass that is wrong: all of it is said, before anything is done. */
export const classCases: ConformanceCase[] = [
  {
    id: 'class-invalid-refused',
    title: 'An invalid providerSpec is refused',
    requirement:
      'Each method that gets a class answers InvalidArgument for an invalid providerSpec, and nothing is made.',
    source: 'driver contract, CreateMachine: InvalidArgument, the class is wrong',
    advice: 'Check providerSpec against a schema before anything else.',
    tags: ['class', 'create'],
    profile: 'core',
    async run(run) {
      const { of } = invalidClassOf(run)
      const request = run.request({ of })
      await expectError(
        run.driver.createMachine(request),
        ['InvalidArgument'],
        'CreateMachine with an invalid providerSpec',
      )
      if (run.has('getMachineStatus')) {
        await expectError(run.driver.getMachineStatus(request), ['InvalidArgument'], 'GetMachineStatus with it')
      }
      if (run.has('listMachines')) {
        await expectError(run.driver.listMachines(run.classRequest(of)), ['InvalidArgument'], 'ListMachines with it')
      }
      await run.expectVms(run.request({ name: request.machine.metadata.name }), 0, 'after a refused CreateMachine')
    },
  },
  {
    id: 'class-invalid-paths',
    title: 'All that is wrong with a providerSpec is named',
    requirement: 'The error has a violation for each wrong field, with its path, all at once.',
    source: 'driver contract, ErrorDetail.violations',
    advice: 'Collect all violations before you answer, each with a path such as providerSpec.disk.sizeGiB.',
    tags: ['class', 'create'],
    profile: 'core',
    async run(run) {
      const { of, paths } = invalidClassOf(run)
      const call = run.driver.createMachine(run.request({ of }))
      const { violations } = await expectError(call, ['InvalidArgument'], 'CreateMachine with an invalid providerSpec')
      const found = violations.map(({ path }) => path)
      const missing = paths.filter(
        (path) => !found.some((one) => one === path || one.startsWith(`${path}.`) || one.startsWith(`${path}[`)),
      )
      check(missing.length === 0, `no violation names ${missing.join(', ')}; named are ${found.join(', ') || 'none'}`)
      check(
        violations.every(({ message }) => message.trim() !== ''),
        'a violation does not say what is wrong',
      )
    },
  },
  {
    id: 'class-unknown-field',
    title: 'A providerSpec field that does not exist is refused by name, or ignored as declared',
    requirement:
      'A field that the driver does not know gets InvalidArgument with its path: a misspelt one would be lost in silence. A driver that declares `unknownFields: ignored` makes the very VM that it makes without the field.',
    source: 'driver contract, PluginDefinition.providerSpec: properties that the schema does not name are refused',
    advice: 'Close the schema: additionalProperties: false. Ignore fields only for classes that exist already.',
    tags: ['class', 'create'],
    profile: 'core',
    async run(run) {
      const { machineClass } = run.request()
      const spec = { ...machineClass.providerSpec, conformanceUnknown: true }
      const plain = run.request()
      const request = { ...plain, machineClass: { ...machineClass, providerSpec: spec } }
      if (run.setup.declares.unknownFields === 'ignored') {
        const vm = await run.driver.createMachine(request)
        const again = await outcomeOf(run.driver.createMachine(plain))
        expectIdentity(again, identityOf(vm), 'CreateMachine repeated without the field')
        await run.expectVms(plain, 1, 'after CreateMachine with an unknown field and without')
        return
      }
      const error = await expectError(
        run.driver.createMachine(request),
        ['InvalidArgument'],
        'CreateMachine with an unknown field',
      )
      const isNamed =
        error.message.includes('conformanceUnknown') ||
        error.violations.some(({ path }) => path.includes('conformanceUnknown'))
      check(isNamed, `the error does not name the field: ${error.message}`)
    },
  },
  {
    id: 'class-invalid-no-cloud-call',
    title: 'An invalid providerSpec costs no call to the cloud',
    requirement:
      'For an invalid class the cloud is not called: the answer is InvalidArgument also while the cloud is away.',
    source: 'driver contract, CreateMachine: InvalidArgument; ValidateMachineClass: without touching the cloud',
    advice: 'Validate before you log in.',
    tags: ['class', 'create', 'faults'],
    profile: 'full',
    needs: ['fault:serverError'],
    async run(run) {
      const { of } = invalidClassOf(run)
      const request = run.request({ of })
      const before = await run.hooks.countCalls?.()
      await run.during(
        { kind: 'serverError', method: 'createMachine', machine: request.machine.metadata.name },
        async () => {
          await expectError(
            run.driver.createMachine(request),
            ['InvalidArgument'],
            'CreateMachine with an invalid providerSpec, while the cloud is away',
          )
        },
      )
      const after = await run.hooks.countCalls?.()
      if (before !== undefined && after === undefined) throw new HookError('countCalls counts no more')
      check(before === after, `the cloud was called ${Number(after) - Number(before)} times`)
    },
  },
  {
    id: 'validate-class',
    title: 'ValidateMachineClass says what calls would say',
    requirement:
      'ValidateMachineClass has no violation for the class in use, and has one for each wrong field of an invalid one.',
    source: 'driver contract, ValidateMachineClass',
    advice: 'Use the same check for both.',
    tags: ['class'],
    profile: 'core',
    needs: ['validateMachineClass'],
    async run(run) {
      const good = await run.driver.validateMachineClass(run.classRequest())
      check(good.violations.length === 0, `the class in use has violations: ${JSON.stringify(good.violations)}`)
      const { of, paths } = invalidClassOf(run)
      const bad = await run.driver.validateMachineClass(run.classRequest(of))
      const found = bad.violations.map(({ path }) => path)
      const missing = paths.filter((path) => !found.some((one) => one.startsWith(path)))
      check(missing.length === 0, `no violation names ${missing.join(', ')}; named are ${found.join(', ') || 'none'}`)
    },
  },
]

function invalidClassOf({ setup }: CaseRun): { of: ClassAndSecret; paths: readonly string[] } {
  if (setup.invalid) return { of: setup.invalid.class, paths: setup.invalid.paths }
  const { machineClass } = setup.main
  const entries = Object.entries(machineClass.providerSpec ?? {})
  const providerSpec: JsonObject = Object.fromEntries(
    // Of another kind than it has: an object in place of a text, a text in place of an object or a list.
    entries.map(([key, value]) => [key, typeof value === 'object' ? 'conformance' : { conformance: true }]),
  )
  return {
    of: { ...setup.main, machineClass: { ...machineClass, providerSpec } },
    paths: entries.map(([key]) => `providerSpec.${key}`),
  }
}
