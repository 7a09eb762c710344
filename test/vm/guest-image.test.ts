import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { consoleUntil, guestMarkers } from '../env/guest-console.ts'
import { ensureGuestImage } from '../env/guest-image.ts'
import { toolEnv } from '../env/run.ts'
import { writeSeed } from './seed.ts'

const bootMs = 60_000
const uuid = '1b4e28ba-2fa1-11d2-883f-0016d3cca427'

let folder: string
let consoleLog: string
let qemu: ChildProcess | undefined

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-guest-test-'))
  consoleLog = join(folder, 'console.log')
})

afterEach(async () => {
  if (qemu !== undefined && qemu.exitCode === null && qemu.signalCode === null) {
    const exit = once(qemu, 'exit')
    qemu.kill('SIGKILL')
    await exit
  }
  await rm(folder, { recursive: true, force: true })
})

// Plain QEMU, without libvirt or anything of the host: the image must stand by itself.
async function boot(seedDevice: readonly string[], userData?: string, memoryMib = 128): Promise<ChildProcess> {
  const image = await ensureGuestImage({ signal: AbortSignal.timeout(120_000), log: () => {} })
  const seed = join(folder, 'seed.iso')
  if (userData !== undefined) await writeSeed(seed, { hostname: 'node-7', userData }, AbortSignal.timeout(30_000))
  const args = ['-accel', 'tcg', '-m', String(memoryMib), '-display', 'none', '-uuid', uuid]
  args.push('-serial', `file:${consoleLog}`, '-monitor', 'stdio', '-nic', 'user,model=virtio-net-pci')
  // bootindex: without it the BIOS takes the seed for the disk to boot from when it finds the seed first.
  args.push('-snapshot', '-drive', `file=${image.path},format=qcow2,if=none,id=disk`)
  args.push('-device', 'virtio-blk-pci,drive=disk,bootindex=0')
  if (userData !== undefined) args.push('-drive', `file=${seed},format=raw,readonly=on,if=none,id=seed`)
  qemu = spawn('qemu-system-x86_64', [...args, ...seedDevice], { stdio: ['pipe', 'ignore', 'inherit'], env: toolEnv() })
  await once(qemu, 'spawn')
  return qemu
}

const until = (marker: string) => consoleUntil(consoleLog, marker, AbortSignal.timeout(bootMs))
const onQ35 = ['-machine', 'q35', '-device', 'virtio-blk-pci,drive=seed']

describe('the guest image', () => {
  const places = [
    { place: 'a virtio disk on q35', device: onQ35, seenAs: '/dev/vdb' },
    {
      place: 'a CD on virtio-scsi',
      device: ['-machine', 'q35', '-device', 'virtio-scsi-pci', '-device', 'scsi-cd,drive=seed'],
      seenAs: '/dev/sr0',
    },
    { place: 'an IDE CD on pc', device: ['-machine', 'pc', '-device', 'ide-cd,drive=seed'], seenAs: '/dev/sr0' },
  ]
  test.each(places)('runs the script of a seed on $place', async ({ device, seenAs }) => {
    await boot(device, '#!/bin/sh\necho "hello from $(hostname)"\nexit 3\n')

    const lines = await until(guestMarkers.ready)

    expect(lines.map((line) => line.replace(/ after [\d.]+ s$/, ''))).toEqual([
      expect.stringMatching(/^mcm-guest: kernel up \d+\./),
      `mcm-guest: uuid ${uuid}`,
      'mcm-guest: network 10.0.2.15',
      `mcm-guest: seed found ${seenAs}`,
      'mcm-guest: instance i-node-7 hostname node-7',
      'mcm-guest: user-data begin',
      'hello from node-7',
      'mcm-guest: user-data end status 3',
      'mcm-guest: ready',
    ])
  })

  test('runs the commands of a #cloud-config', async () => {
    await boot(
      onQ35,
      `#cloud-config
hostname: by-config
write_files: []
runcmd:
  - echo "I am $(hostname)"
  - 'echo quoted'
  - [echo, a-list]
final_message: done
`,
    )

    const lines = await until(guestMarkers.ready)

    expect(lines).toContain('I am by-config')
    expect(lines).toContain('quoted')
    expect(lines).toContain(
      'mcm-guest: user-data: this guest runs only runcmd items that are strings, so not: [echo, a-list]',
    )
    expect(lines).toContain('mcm-guest: user-data end status 0')
  })

  test('gets ready in 96 MiB without a seed, and says that there is none', async () => {
    await boot(['-machine', 'q35'], undefined, 96)

    const lines = await until(guestMarkers.ready)

    expect(lines.find((line) => line.startsWith(guestMarkers.noSeed))).toBeDefined()
    expect(lines).not.toContain(guestMarkers.userDataBegin)
  })

  test('switches off when the power button is pressed', async () => {
    const machine = await boot(onQ35, '#!/bin/bash\ntrue\n')
    await until(guestMarkers.ready)
    const exit = once(machine, 'exit', { signal: AbortSignal.timeout(30_000) })

    machine.stdin?.write('system_powerdown\n')

    expect(await exit).toEqual([0, null])
    expect((await until(guestMarkers.powerButton)).at(-1)).toBe('mcm-guest: power button pressed, switching off')
  })
})
