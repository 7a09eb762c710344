import { randomBytes } from 'node:crypto'
import { driverMethods, methodName } from '../contract/methods.ts'
import { MachineError } from '../errors/machine-error.ts'
import type { DriverMethod } from '../model/driver.ts'
import { contractVersion } from '../plugin/define-plugin.ts'
import { sdkVersion } from '../version.ts'
import type { CaseTag, ConformanceCase, Need, Profile } from './case.ts'
import { CaseRun, type RunContext } from './case-run.ts'
import { conformanceCases } from './cases/index.ts'
import { CaseFailure } from './check.ts'
import { faultKinds, guardedHooks, HookError, type Hooks } from './hooks.ts'
import { type CaseResult, type FailureDetails, type Report, type SkipReason, verdictOf } from './report.ts'
import type { ConformanceSetup } from './setup.ts'
import type { Target, TargetDescription } from './target.ts'

/** What {@link judgeDriver} judges, and how. */
export interface JudgeOptions {
  target: Target
  setup: ConformanceSetup
  /** Default: none. */
  hooks?: Hooks
  /** The only cases to run, by id. Default: all. The others are skipped, and the verdict is `incomplete`. */
  ids?: readonly string[]
  /** The only cases to run, by tag. */
  tags?: readonly CaseTag[]
  /** Stops the run; what was made is deleted nevertheless. */
  signal?: AbortSignal
  /** Called before each case. */
  onCase?: (one: ConformanceCase, index: number, count: number) => void
  /** Called after each case. */
  onResult?: (result: CaseResult, index: number, count: number) => void
}

/**
 * Judges a driver by the contract, one case after the other. Rejects only where nothing can be judged at all: the
 * endpoint cannot be reached, or the signal aborts before the first case.
 *
 * @example
 * const report = await judgeDriver({ target: { driver, place: 'in process' }, setup })
 * expect(report.verdict).toBe('conformant')
 */
export async function judgeDriver(options: JudgeOptions): Promise<Report> {
  const { target, setup, signal = new AbortController().signal, onCase, onResult } = options
  const started = new Date()
  const provider = setup.main.machineClass.provider ?? ''
  const description = await target.describe?.(provider, signal)
  const context = await contextOf(target, setup, guardedHooks(options.hooks ?? {}), description, signal)
  const results: CaseResult[] = []
  for (const [index, one] of conformanceCases.entries()) {
    const reason = skipReason(one, context, options, signal)
    if (!reason) onCase?.(one, index, conformanceCases.length)
    const result = reason
      ? { kind: 'skipped' as const, id: one.id, title: one.title, ms: 0, leftovers: [], reason }
      : await runCase(one, index, context, signal)
    results.push(result)
    onResult?.(result, index, conformanceCases.length)
  }
  return {
    kitVersion: sdkVersion,
    contractVersion,
    profile: setup.profile,
    place: target.place,
    provider,
    ...(description && {
      driver: {
        name: description.name,
        version: description.version,
        ...(description.sdkVersion !== undefined && { sdkVersion: description.sdkVersion }),
        ...(description.integrity !== undefined && { integrity: description.integrity }),
      },
    }),
    startedAt: started.toISOString(),
    ms: Date.now() - started.getTime(),
    results,
    ...verdictOf(results),
  }
}

async function runCase(
  one: ConformanceCase,
  index: number,
  context: RunContext,
  signal: AbortSignal,
): Promise<CaseResult> {
  const startMs = performance.now()
  const run = new CaseRun(context, index.toString(36), signal)
  const ended = await one.run(run).then(
    () => ({ kind: 'passed' as const }),
    (error: unknown) => ({ kind: 'threw' as const, error }),
  )
  // Not the run's signal: what was made goes, also after an abort.
  const cleaning = AbortSignal.timeout(context.setup.limits.callSeconds * 1000)
  const leftovers = await run.cleanUp(cleaning)
  const about = { id: one.id, title: one.title, ms: Math.round(performance.now() - startMs), leftovers }
  const knownReason = context.setup.knownFailures[one.id]
  const details = (message: string): FailureDetails => ({
    requirement: one.requirement,
    source: one.source,
    message: run.journal.blackedOut(message),
    advice: one.advice,
    calls: run.journal.calls,
  })
  if (ended.kind === 'passed') {
    if (knownReason === undefined) return { ...about, kind: 'passed' }
    const message = `it passes, but is on the list of known failures ("${knownReason}")`
    return { ...about, kind: 'unexpectedly-passed', ...details(message), advice: 'take it off the list' }
  }
  const { error } = ended
  if (signal.aborted) return { ...about, kind: 'skipped', reason: aborted }
  if (error instanceof CaseFailure || MachineError.is(error)) {
    const message = MachineError.is(error)
      ? `a call failed that must not: ${error.code}: ${error.message}`
      : error.message
    return { ...about, kind: 'failed', isKnown: knownReason !== undefined, ...details(message) }
  }
  const what = error instanceof HookError ? 'a hook failed' : 'it could not be judged'
  return { ...about, kind: 'broken', message: `${what}: ${error instanceof Error ? error.message : String(error)}` }
}

async function contextOf(
  target: Target,
  setup: ConformanceSetup,
  hooks: Hooks,
  description: TargetDescription | undefined,
  signal: AbortSignal,
): Promise<RunContext> {
  const keys = setup.main.secret
    ? [...new Set([...Object.keys(setup.main.secret.data ?? {}), ...Object.keys(setup.main.secret.stringData ?? {})])]
    : []
  const requiredSecretKeys =
    setup.requiredSecretKeys ?? description?.requiredSecretKeys ?? keys.filter((key) => key !== 'userData')
  const context: RunContext = {
    target,
    setup,
    hooks,
    description,
    available: new Set(),
    requiredSecretKeys,
    // 6 letters and digits: a name with them stays a short DNS label.
    runId: randomBytes(4).readUInt32BE().toString(36).padStart(6, '0').slice(-6),
  }
  const methods = description?.capabilities ?? (await askMethods(new CaseRun(context, 'ask', signal)))
  const has: Partial<Record<Need, boolean>> = {
    plugins: description !== undefined,
    restart: Boolean(hooks.restart ?? target.restart),
    requiredSecretKeys: requiredSecretKeys.length > 0,
    otherCluster: setup.otherCluster !== undefined,
    incompatible: setup.incompatible !== undefined,
    uninitialized: setup.uninitialized !== undefined,
    volumes: setup.volumes !== undefined && setup.volumes.known.length > 0,
    'hooks.vms': hooks.vms !== undefined,
    'hooks.userDataSha256': hooks.userDataSha256 !== undefined,
    'hooks.duplicate': hooks.duplicate !== undefined && !setup.declares.uniqueNames,
  }
  const named = (Object.keys(has) as Need[]).filter((need) => has[need])
  const faults = hooks.fault ? (hooks.faults ?? faultKinds).map((kind) => `fault:${kind}` as const) : []
  return { ...context, available: new Set<Need>([...methods, ...named, ...faults]) }
}

/** Which methods there are, where nobody says: those that do not answer `Unimplemented`. */
async function askMethods(run: CaseRun): Promise<DriverMethod[]> {
  const missing = run.request()
  const migration = { providerSpecificMachineClass: {}, machineClass: missing.machineClass }
  const asked: Partial<Record<DriverMethod, () => Promise<unknown>>> = {
    initializeMachine: () => run.driver.initializeMachine(missing),
    getMachineStatus: () => run.driver.getMachineStatus(missing),
    listMachines: () => run.driver.listMachines(run.classRequest()),
    getVolumeIDs: () => run.driver.getVolumeIDs({ pvSpecs: [], machineClass: missing.machineClass }),
    generateMachineClassForMigration: () => run.driver.generateMachineClassForMigration(migration),
    validateMachineClass: () => run.driver.validateMachineClass(run.classRequest()),
  }
  const methods: DriverMethod[] = []
  for (const method of driverMethods) {
    const code = await asked[method]?.().then(
      () => 'OK',
      (error: unknown) => {
        if (!MachineError.is(error) || error.reason === 'HOST_UNREACHABLE') throw error
        return error.code
      },
    )
    if (code !== 'Unimplemented') methods.push(method)
  }
  return methods
}

const profiles: Record<Profile, readonly Profile[]> = { core: ['core'], full: ['core', 'full'] }
const aborted: SkipReason = { kind: 'aborted', text: 'the run was stopped' }

function skipReason(
  one: ConformanceCase,
  { available, setup }: RunContext,
  { ids, tags }: JudgeOptions,
  signal: AbortSignal,
): SkipReason | undefined {
  if (signal.aborted) return aborted
  const isChosen = (ids?.includes(one.id) ?? true) && (tags?.some((tag) => one.tags.includes(tag)) ?? true)
  if (!isChosen) return { kind: 'not-chosen', text: 'it was not chosen' }
  const [missing] = (one.needs ?? []).filter((need) => !available.has(need))
  const reason = missing && missingReason(missing, setup)
  // What cannot be judged here for want of a hook is no gap where the profile does not ask for it.
  if (!profiles[setup.profile].includes(one.profile)) {
    return reason && { kind: 'profile', text: `the profile core does not ask for it, and ${reason.text}` }
  }
  return reason
}

function missingReason(need: Need, { declares }: ConformanceSetup): SkipReason {
  if (isMethod(need)) return { kind: 'unsupported', text: `the driver does not have ${methodName(need)}` }
  if (need.startsWith('fault:')) {
    return { kind: 'hook', text: `no hook can make the cloud fail so: ${need.slice('fault:'.length)}` }
  }
  switch (need) {
    case 'plugins':
      return { kind: 'unsupported', text: 'the endpoint does not say what plugins it has' }
    case 'requiredSecretKeys':
      return { kind: 'unsupported', text: 'the driver needs no key of a Secret' }
    case 'hooks.duplicate':
      if (declares.uniqueNames) return { kind: 'unsupported', text: 'the cloud has at most one VM of a name' }
      return { kind: 'hook', text: 'there is no hook duplicate' }
    case 'restart':
    case 'hooks.vms':
    case 'hooks.userDataSha256':
      return { kind: 'hook', text: `there is no hook ${need.replace('hooks.', '')}` }
    default:
      return { kind: 'configuration', text: `the configuration says nothing about ${need}` }
  }
}

function isMethod(need: Need): need is DriverMethod {
  return driverMethods.some((method) => method === need)
}
