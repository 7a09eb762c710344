import { mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { InstallRequest } from '../env/debian-packages.ts'
import { consoleLines, guestMarkers } from '../env/guest-console.ts'
import { ensureGuestImage } from '../env/guest-image.ts'
import { type PrivateLibvirtd, startPrivateLibvirtd } from '../env/libvirtd.ts'
import { formatCommand, run } from '../env/run.ts'
import { installLikeAStranger } from '../env/strangers-install.ts'
import { ensureVmTools } from '../env/vm-tools.ts'
import { HostProcess } from './host-process.ts'
import { Progress } from './progress.ts'
import { prepareSamples } from './samples.ts'

// npm run quickstart: a real VM through the whole path, on this machine, from nothing. Everything it makes lies in two
// folders under /tmp and is gone at the end, also after Ctrl-C.

const root = fileURLToPath(new URL('../../', import.meta.url))
const usage = `npm run quickstart -- [--yes] [--keep]

  --yes    install missing Debian packages without asking
  --keep   leave the host and the VM running, and say what to type next`

const { values: flags } = parseArgs({
  options: { yes: { type: 'boolean' }, keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
})
if (flags.help) {
  console.log(usage)
  process.exit(0)
}

const interrupted = new AbortController()
const progress = new Progress()

async function quickstart(signal: AbortSignal): Promise<void> {
  await using cleanup = new AsyncDisposableStack()

  await progress.step('tools', async (update) => {
    const { qemu, libvirt, installed } = await ensureVmTools({ signal, log: update, confirm })
    const how =
      installed.length > 0
        ? `installed ${installed.length === 1 ? '1 package' : `${installed.length} packages`}`
        : 'already there'
    return { shown: `qemu ${qemu}, libvirt ${libvirt} (${how})`, value: undefined }
  })

  await progress.step('build', async (update) => {
    update('sdk, host, plugins')
    await run(process.execPath, ['build.mjs'], { signal, cwd: root, deadlineMs: 300_000 })
    return { shown: 'sdk, host, plugins', value: undefined }
  })

  const image = await progress.step('guest image', async (update) => {
    const { path, sizeBytes, built } = await ensureGuestImage({ signal, log: update })
    return { shown: `${(sizeBytes / 1e6).toFixed(0)} MB, ${built ? 'built' : 'cached'}: ${path}`, value: path }
  })

  const folder = await mkdtemp('/tmp/mcm-quickstart-')
  cleanup.defer(async () => await rm(folder, { recursive: true, force: true }))
  const packages = ['sdk', 'host', 'plugins/libvirt']
  const mcm = await progress.step('install', async (update) => {
    const installed = await installLikeAStranger(packages, folder, { signal, update })
    return {
      shown: 'host and @mcm/plugin-libvirt from packed npm packages',
      value: join(installed, 'node_modules/.bin/mcm'),
    }
  })

  const libvirtd = await progress.step('libvirtd', async (update) => {
    const daemon = await startPrivateLibvirtd({ signal, log: update })
    return { shown: `a private one, in ${daemon.dir}`, value: daemon }
  })
  cleanup.defer(async () => await libvirtd.close())

  const host = await progress.step('host', async () => {
    const process = await HostProcess.start(mcm, folder, signal)
    return { shown: `${process.endpoint}, plugin libvirt`, value: process }
  })
  cleanup.defer(async () => await host.stop())

  const files = await prepareSamples(folder, { uri: libvirtd.uri, image, poolDir: libvirtd.poolDir })
  const cli = async (...args: string[]) => await run(mcm, [...args], { signal, deadlineMs: 180_000, env: ownNodeFirst })
  const machine = async (action: string) =>
    JSON.parse((await cli('machine', action, '-f', files, '--endpoint', host.endpoint, '-o', 'json')).stdout)

  await progress.step('validate', async () => {
    await cli('validate', '-f', files)
    return { shown: 'kubernetes/libvirt/machine-class.yaml, with the image and libvirtd of this run', value: undefined }
  })

  const [made] = await progress.step('create', async (update) => {
    update('kubernetes/libvirt/machine.yaml')
    const created = await machine('create')
    return { shown: created[0].providerID, value: created }
  })

  const consoleLog = await progress.step('boot', async (update) => {
    update('waiting for the guest to read its user data')
    const lines = await waitForGuest(libvirtd, update, signal)
    return { shown: 'the guest has run its user data', value: lines }
  })

  const [status] = await progress.step('status', async () => {
    const found = await machine('status')
    return { shown: `node ${found[0].nodeName}, ${formatAddresses(found[0].addresses)}`, value: found }
  })

  await progress.step('list', async () => {
    const found = await machine('list')
    return { shown: found.map(({ name, providerID }: Row) => `${name} = ${providerID}`).join(', '), value: undefined }
  })

  progress.print('')
  progress.print(`  providerID  ${made.providerID}`)
  progress.print(`  node name   ${status.nodeName}`)
  progress.print(`  addresses   ${formatAddresses(status.addresses)}`)
  progress.print('\n  A real VM ran your user data. The end of its console:')
  for (const line of consoleLog.slice(-8)) progress.print(`  | ${line}`)
  progress.print('')

  if (flags.keep) {
    await keep(libvirtd, host, mcm, folder)
    cleanup.move()
    return
  }

  await progress.step('delete', async () => {
    await machine('delete')
    await assertNothingLeft(libvirtd, signal)
    return { shown: 'no domain, disk, seed or console log is left', value: undefined }
  })
  await progress.step('stop', async () => {
    await cleanup.disposeAsync()
    return { shown: 'host and libvirtd have ended, their folders are gone', value: undefined }
  })
  progress.print('\nKeep one next time:  npm run quickstart -- --keep')
}

interface Row {
  name: string
  providerID: string
}

// The installed program asks for "node" on the PATH, and this machine's own may be too old.
const ownNodeFirst = { PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH ?? ''}` }

async function confirm({ packages, command }: InstallRequest): Promise<boolean> {
  if (flags.yes) return true
  if (!process.stdin.isTTY) {
    throw new Error(
      `These Debian packages are missing: ${packages.join(' ')}.\nAdd --yes to have them installed (${command}).`,
    )
  }
  const readline = createInterface({ input: process.stdin, output: process.stdout })
  // While it asks, it keeps Ctrl-C from becoming a signal.
  readline.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    const question = `\nThese Debian packages are missing: ${packages.join(' ')}.\nRun "${command}"? [Y/n] `
    return /^(y(es)?)?$/i.test((await readline.question(question, { signal: interrupted.signal })).trim())
  } finally {
    readline.close()
  }
}

/** Follows the console until the guest has run its user data. @returns All lines. */
async function waitForGuest(
  libvirtd: PrivateLibvirtd,
  update: (text: string) => void,
  signal: AbortSignal,
): Promise<string[]> {
  const name = (await readdir(libvirtd.poolDir)).find((file) => file.endsWith('_console.log'))
  if (name === undefined) throw new Error(`no console log in ${libvirtd.poolDir}`)
  const bound = AbortSignal.any([signal, AbortSignal.timeout(bootMs)])
  const seen: string[] = []
  try {
    for await (const line of consoleLines(join(libvirtd.poolDir, name), bound)) {
      if (line.trim() === '') continue
      seen.push(line)
      update(line.trim())
      if (line.startsWith(guestMarkers.userDataEnd)) return seen
    }
  } catch (error) {
    signal.throwIfAborted()
    throw new Error(
      `the guest did not run its user data within ${bootMs / 1000} s; its console:\n${seen.slice(-20).join('\n')}`,
      {
        cause: error,
      },
    )
  }
  return seen
}

const bootMs = 180_000

async function assertNothingLeft(libvirtd: PrivateLibvirtd, signal: AbortSignal): Promise<void> {
  const { stdout: domains } = await run('virsh', ['-c', libvirtd.uri, 'list', '--all', '--name'], { signal })
  const left = [
    ...domains
      .split('\n')
      .filter((name) => name.trim() !== '')
      .map((name) => `domain ${name}`),
    ...(await readdir(libvirtd.poolDir)).map((name) => `file ${join(libvirtd.poolDir, name)}`),
    ...(await libvirtd.qemuProcesses()).map((pid) => `QEMU process ${pid}`),
  ]
  if (left.length > 0) throw new Error(`the machine was deleted, but this is left: ${left.join(', ')}`)
}

/** Lets the host and the VM go on, and says what can be done with them. */
async function keep(libvirtd: PrivateLibvirtd, host: HostProcess, mcm: string, folder: string): Promise<void> {
  // Whoever stops the host ends it all: the next start of a private libvirtd clears this one away.
  await libvirtd.handOver(host.pid)
  host.detach()
  await writeScript(join(folder, 'mcm'), [
    `export MCM_ENDPOINT=${host.endpoint}`,
    `exec ${formatCommand(process.execPath, [mcm])} "$@"`,
  ])
  await writeScript(join(folder, 'stop'), [
    `kill ${host.pid}`,
    `while kill -0 ${host.pid} 2>/dev/null; do sleep 0.1; done`,
    `kill "$(cat ${libvirtd.dir}/run/libvirtd.pid)"`,
    `rm -rf ${folder} ${libvirtd.dir}`,
  ])
  await symlink(libvirtd.poolDir, join(folder, 'disks'))
  progress.print(`The host and the VM go on. What you can do with them:

  cd ${folder}
  ./mcm machine status -f kubernetes -o wide
  ./mcm machine list -f kubernetes
  ./mcm plugin list
  tail -f disks/*_console.log host.log

When you are done:

  ./mcm machine delete -f kubernetes && ./stop`)
}

async function writeScript(file: string, lines: readonly string[]): Promise<void> {
  await writeFile(file, ['#!/bin/sh', ...lines, ''].join('\n'), { mode: 0o700 })
}

function formatAddresses(addresses: { type: string; address: string }[] = []): string {
  return addresses.map(({ type, address }) => `${type} ${address}`).join(', ') || 'no addresses known'
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (interrupted.signal.aborted) return
    console.log(`\n${signal}: cleaning up…`)
    interrupted.abort(new Error(`stopped by ${signal}`))
  })
}

const started = performance.now()
try {
  await quickstart(interrupted.signal)
  progress.print(`\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s.`)
} catch (error) {
  console.error(`\n${interrupted.signal.aborted ? 'Stopped; nothing is left.' : (error as Error).message}`)
  process.exitCode = interrupted.signal.aborted ? 130 : 1
}
