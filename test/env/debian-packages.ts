import { access, readFile } from 'node:fs/promises'
import { formatCommand, RunError, type RunOptions, type RunResult, run } from './run.ts'

/** What a person is asked before anything is installed. */
export interface InstallRequest {
  readonly packages: readonly string[]
  /** The command that will run, as one would type it. */
  readonly command: string
}

export interface EnsureOptions {
  readonly signal: AbortSignal
  /** Asks whether to install. The caller decides who answers: a person at the terminal, or `--yes`. */
  readonly confirm: (request: InstallRequest) => Promise<boolean>
  readonly log: (line: string) => void
  /** Packages that only some releases have: wanted as well where apt knows them, and no failure where it doesn't. */
  readonly whereKnown?: readonly string[]
  /** What somebody on another system than Debian or Ubuntu has to install, in words. */
  readonly elsewhere?: string
}

/** The packages could not be made available; the message says what to do. */
export class PackagesError extends Error {
  override readonly name = 'PackagesError'
}

/** Installs the Debian packages that are missing. Returns the names of those that it installed. */
export async function ensureDebianPackages(names: readonly string[], options: EnsureOptions): Promise<string[]> {
  const { signal, log } = options
  if (!(await isDebian())) throw new PackagesError(await notDebianText(names, options.elsewhere))

  const all = [...names, ...(options.whereKnown ?? [])]
  const findMissing = async (): Promise<string[]> => {
    const missing = await missingPackages(all, signal)
    const known = await knownPackages(
      missing.filter((name) => !names.includes(name)),
      signal,
    )
    return missing.filter((name) => names.includes(name) || known.includes(name))
  }
  let missing = await findMissing()
  if (missing.length === 0) {
    log(`packages: all there already (${names.join(' ')})`)
    return []
  }

  // --no-remove: a set-up for tests must never take something from the machine.
  const argsFor = (packages: readonly string[]) => [
    ...['install', '-y', '--no-install-recommends', '--no-remove'],
    ...packages,
  ]
  const byHand = `sudo apt-get update && ${formatCommand('sudo', ['apt-get', ...argsFor(missing)])}`
  const apt = await aptRunner(signal, byHand)
  if (!(await options.confirm({ packages: missing, command: apt.show(argsFor(missing)) }))) {
    throw new PackagesError(`Nothing was installed, as you asked. These packages are needed: ${missing.join(' ')}
To install them yourself, type: ${byHand}`)
  }

  const started = performance.now()
  log(`packages: installing ${missing.join(' ')}`)
  const download = () => apt.run([...argsFor(missing), '--download-only'], { signal, deadlineMs: 600_000 })
  const refresh = async () => {
    await updateLists(apt, log)
    missing = await findMissing()
  }
  const areFresh = (await knownPackages(missing, signal)).length < missing.length
  if (areFresh) await refresh()
  try {
    await download()
  } catch (error) {
    // Lists of last month name files that the mirror has replaced since.
    if (!(error instanceof RunError) || areFresh || signal.aborted) throw error
    await refresh()
    await download()
  }
  // The download can be stopped at any time. The installation runs to its end: half of it would break the machine.
  await apt.run(argsFor(missing), { signal: new AbortController().signal, deadlineMs: 600_000 })
  signal.throwIfAborted()

  const left = await missingPackages(missing, signal)
  if (left.length > 0) throw new PackagesError(`apt-get reported success, yet these are not there: ${left.join(' ')}`)
  log(`packages: installed in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return missing
}

/** Downloads package files into a folder without installing them. No root needed. */
export async function downloadDebianPackages(
  names: readonly string[],
  folder: string,
  options: Pick<EnsureOptions, 'signal' | 'log'>,
): Promise<void> {
  const { signal } = options
  const download = () => run('apt-get', ['download', ...names], { signal, cwd: folder, deadlineMs: 300_000 })
  try {
    await download()
  } catch (error) {
    if (!(error instanceof RunError) || signal.aborted) throw error
    await refreshPackageLists(options)
    await download()
  }
}

/** Fetches the lists of packages anew. */
export async function refreshPackageLists({ signal, log }: Pick<EnsureOptions, 'signal' | 'log'>): Promise<void> {
  await updateLists(await aptRunner(signal, 'sudo apt-get update'), log)
}

// Those that apt has in its lists.
async function knownPackages(names: readonly string[], signal: AbortSignal): Promise<string[]> {
  if (names.length === 0) return []
  const { stdout } = await run('apt-cache', ['policy', ...names], { signal })
  const known = new Set([...stdout.matchAll(/^(\S+):\n.*\n {2}Candidate: (?!\(none\))/gm)].map((match) => match[1]))
  return names.filter((name) => known.has(name))
}

interface AptRunner {
  readonly show: (args: readonly string[]) => string
  readonly run: (args: readonly string[], options: RunOptions) => Promise<RunResult>
}

async function aptRunner(signal: AbortSignal, byHand: string): Promise<AptRunner> {
  const isRoot = process.getuid?.() === 0
  if (!isRoot && !(await canSudo(signal))) {
    throw new PackagesError(`This needs root, and sudo is not there or asks for a password. Type this, then try again:
${byHand}`)
  }
  // Somebody else may be installing: wait for the lock. No questions on a terminal that nobody watches.
  const words = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=120']
  const [program = 'env', ...before] = isRoot ? words : ['sudo', '-n', ...words]
  return {
    show: (args) => formatCommand(isRoot ? 'apt-get' : 'sudo', isRoot ? args : ['apt-get', ...args]),
    run: (args, options) => run(program, [...before, ...args], options),
  }
}

async function updateLists(apt: AptRunner, log: EnsureOptions['log']): Promise<void> {
  const started = performance.now()
  // It takes seconds and leaves nothing half done; its locks wait for others, so give it time.
  await apt.run(['update'], { signal: AbortSignal.timeout(300_000), deadlineMs: 300_000 })
  log(`packages: refreshed the lists in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

async function canSudo(signal: AbortSignal): Promise<boolean> {
  try {
    await run('sudo', ['-n', 'true'], { signal, deadlineMs: 10_000 })
    return true
  } catch (error) {
    if (error instanceof RunError) return false
    throw error
  }
}

async function missingPackages(names: readonly string[], signal: AbortSignal): Promise<string[]> {
  // Exit code 1: some are unknown to dpkg, which is one of the answers that we ask for.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own placeholders
  const format = '${binary:Package}\\t${db:Status-Status}\\n'
  const { stdout } = await run('dpkg-query', ['-W', '-f', format, ...names], { signal, okCodes: [0, 1] })
  const installed = new Set<string>()
  for (const line of stdout.split('\n')) {
    const [name = '', status] = line.split('\t')
    if (status === 'installed') installed.add(name.replace(/:.*/, ''))
  }
  return names.filter((name) => !installed.has(name))
}

async function isDebian(): Promise<boolean> {
  try {
    await access('/etc/debian_version')
    await access('/usr/bin/apt-get')
    return true
  } catch {
    return false
  }
}

async function notDebianText(names: readonly string[], elsewhere = names.join(', ')): Promise<string> {
  return `This set-up installs packages on Debian and Ubuntu only, and this is ${await systemName()}.
Install the following with your system's own tools: ${elsewhere}.`
}

async function systemName(): Promise<string> {
  try {
    const text = await readFile('/etc/os-release', 'utf8')
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(text)?.[1] ?? process.platform
  } catch {
    return process.platform
  }
}
