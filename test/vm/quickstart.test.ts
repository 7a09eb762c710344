import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../env/run.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const signal = new AbortController().signal
let clone: string

// As somebody would who has just found the project: a clone, and the README's two commands.
beforeAll(async () => {
  clone = await mkdtemp('/tmp/mcm-clone-')
  await run('git', ['clone', '--quiet', root, clone], { signal })
  await run('npm', ['ci', '--prefer-offline', '--no-audit', '--no-fund'], { signal, cwd: clone, deadlineMs: 300_000 })
}, 320_000)
afterAll(async () => await rm(clone, { recursive: true, force: true }))

describe('npm run quickstart', () => {
  it('runs a real VM through the whole path and leaves nothing', async () => {
    const before = await leftovers()
    const { code, output } = await quickstart(['--yes'])
    expect(output).toContain('| hello from machine-1')
    expect(output).toMatch(/providerID {2}libvirt:\/\/\/[0-9a-f-]{36}/)
    expect(output).toContain('✔ delete         no domain, disk, seed or console log is left')
    expect(code).toBe(0)
    expect(await leftovers()).toEqual(before)
  }, 300_000)

  it('with --keep leaves a host and a VM, and says how to use and to stop them', async () => {
    const before = await leftovers()
    const { code, output } = await quickstart(['--yes', '--keep'])
    expect(code).toBe(0)
    const folder = /^ {2}cd (\S+)$/m.exec(output)?.[1] ?? ''
    const commands = output.split('\n').flatMap((line) => /^ {2}(\.\/.*)$/.exec(line)?.[1] ?? [])
    expect(commands).toHaveLength(4)
    for (const command of commands) {
      const { stdout } = await run('sh', ['-c', command], { signal, cwd: folder })
      if (command.includes('status')) expect(stdout).toContain('machine-1  default    found')
    }
    expect(await leftovers()).toEqual(before)
  }, 300_000)

  it.each(['… install', '… boot           mcm-guest: kernel up'])(
    'cleans up after Ctrl-C at "%s"',
    async (line) => {
      const before = await leftovers()
      const { code, output } = await quickstart(['--yes'], line)
      expect(output).toContain('Stopped; nothing is left.')
      // npm ends by the signal itself.
      expect(code).not.toBe(0)
      expect(await leftovers()).toEqual(before)
    },
    300_000,
  )
})

/** Runs the quick start, and presses Ctrl-C when a line appears. */
async function quickstart(flags: string[], interruptAt?: string): Promise<{ code: number | null; output: string }> {
  const child = spawn('npm', ['run', 'quickstart', '--', ...flags], {
    cwd: clone,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let isInterrupted = false
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      output += text.toString()
      if (isInterrupted || interruptAt === undefined || !output.includes(interruptAt)) return
      isInterrupted = true
      // A terminal sends it to the whole group.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT')
    })
  }
  const [code] = await once(child, 'close')
  return { code, output }
}

/** What a run could leave: folders, and processes that live in them. */
async function leftovers(): Promise<string[]> {
  const folders = (await readdir('/tmp')).filter((name) => /^mcm-(quickstart|vm)-/.test(name))
  const { stdout } = await run('ps', ['-eo', 'args'], { signal })
  const processes = stdout.split('\n').filter((line) => /\/tmp\/mcm-(quickstart|vm)-/.test(line))
  return [...folders, ...processes].sort()
}
