import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, chown, mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { consoleUntil, guestMarkers } from '../env/guest-console.ts'
import { ensureGuestImage } from '../env/guest-image.ts'
import { type PrivateLibvirtd, startPrivateLibvirtd } from '../env/libvirtd.ts'
import { processesOf } from '../env/libvirtd-folder.ts'
import { run } from '../env/run.ts'
import { writeSeed } from './seed.ts'

const log = () => {}
const signal = AbortSignal.timeout(600_000)
let daemon: PrivateLibvirtd | undefined

afterEach(() => daemon?.close())

// virsh is a client that we did not write: what works for it works for the plugin.
const virsh = async (...args: string[]) => (await run('virsh', ['-c', daemon?.uri ?? '', ...args], { signal })).stdout

async function defineMachine(at: PrivateLibvirtd, name: string): Promise<string> {
  const image = await ensureGuestImage({ signal, log })
  const file = (suffix: string) => join(at.poolDir, `${name}${suffix}`)
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', image.path, file('.qcow2')], { signal })
  await writeSeed(file('.iso'), { hostname: name, userData: '#!/bin/sh\necho "this is $(hostname)"\n' }, signal)
  for (const suffix of ['.qcow2', '.iso']) await chown(file(suffix), at.uid, at.gid)
  await writeFile(
    file('.xml'),
    `<domain type='qemu'>
  <name>${name}</name>
  <memory unit='MiB'>128</memory>
  <os><type machine='q35'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <disk type='file'><driver name='qemu' type='qcow2'/><source file='${file('.qcow2')}'/><target dev='vda' bus='virtio'/></disk>
    <disk type='file'><source file='${file('.iso')}'/><target dev='vdb' bus='virtio'/><readonly/></disk>
    <interface type='user'><model type='virtio'/></interface>
    <serial type='file'><source path='${file('.log')}'/></serial>
  </devices>
</domain>`,
  )
  await virsh('define', file('.xml'))
  return file('.log')
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

test('runs a machine, survives a crash of the daemon, and leaves nothing', async () => {
  daemon = await startPrivateLibvirtd({ signal, log })
  const consoleLog = await defineMachine(daemon, 'node-1')
  await virsh('pool-create-as', 'mcm', 'dir', '--target', daemon.poolDir)
  expect(await daemon.qemuProcesses()).toEqual([])

  await virsh('start', 'node-1')
  const machine = await daemon.qemuProcesses()
  expect(machine).toHaveLength(1)

  await daemon.killHard()
  expect(daemon.pid).toBeUndefined()
  expect(await daemon.qemuProcesses()).toEqual(machine)

  await daemon.restart(signal)
  expect((await virsh('domstate', 'node-1')).trim()).toBe('running')
  expect(await consoleUntil(consoleLog, guestMarkers.ready, AbortSignal.timeout(60_000))).toContain('this is node-1')

  await Promise.all([daemon.close(), daemon.close()])
  expect(await processesOf(daemon.dir)).toEqual([])
  expect(await exists(daemon.dir)).toBe(false)
})

test('says why it could not start, and leaves nothing', async () => {
  // A folder that the socket should be: libvirtd can't listen.
  const dir = await mkdtemp('/tmp/mcm-bad-')
  await writeFile(join(dir, 'something'), '')
  await expect(startPrivateLibvirtd({ signal, log, dir })).rejects.toThrow(/must be empty, and holds something/)
  await expect(startPrivateLibvirtd({ signal, log, dir: `${dir}/${'x'.repeat(40)}` })).rejects.toThrow(/too deep/)
  await run('rm', ['-r', dir], { signal })
})

test('an abort during the start leaves nothing', async () => {
  const dir = await mkdtemp('/tmp/mcm-abort-')
  const abort = new AbortController()
  const start = startPrivateLibvirtd({ signal: abort.signal, log, dir })
  await sleep(300)
  abort.abort(new Error('not any more'))
  await expect(start).rejects.toThrow('not any more')
  expect(await processesOf(dir)).toEqual([])
  expect(await exists(dir)).toBe(false)
})

test('the next start clears away what a killed owner left', async () => {
  const libvirtd = fileURLToPath(new URL('../env/libvirtd.ts', import.meta.url))
  const source = `
    const { startPrivateLibvirtd } = await import(${JSON.stringify(libvirtd)})
    const daemon = await startPrivateLibvirtd({ signal: AbortSignal.timeout(60_000), log() {} })
    console.log(daemon.dir)
    setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output]: unknown[] = await once(owner.stdout, 'data', { signal: AbortSignal.timeout(60_000) })
  const dir = String(output).trim()
  expect(await processesOf(dir)).not.toEqual([])
  const exit = once(owner, 'exit')
  owner.kill('SIGKILL')
  await exit

  daemon = await startPrivateLibvirtd({ signal, log })

  expect(await processesOf(dir)).toEqual([])
  expect(await exists(dir)).toBe(false)
})

test('handed over, it lives as long as its new owner', async () => {
  daemon = await startPrivateLibvirtd({ signal, log })
  const owner = spawn('sleep', ['600'], { stdio: 'ignore' })
  const exit = once(owner, 'exit')
  try {
    await daemon.handOver(owner.pid ?? 0)
    await (await startPrivateLibvirtd({ signal, log })).close()
    expect((await virsh('list', '--name')).trim()).toBe('')
  } finally {
    owner.kill('SIGKILL')
    await exit
  }

  await (await startPrivateLibvirtd({ signal, log })).close()

  expect(await exists(daemon.dir)).toBe(false)
})
