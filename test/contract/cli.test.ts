import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { builtFile, fixture } from './testing/built-program.ts'
import { type HostProcess, startHost } from './testing/host-process.ts'

let folder: string
let host: HostProcess

const machine = `apiVersion: machine.sapcloud.io/v1alpha1
kind: Machine
metadata:
  name: NAME
spec:
  class:
    kind: MachineClass
    name: worker
`
const machineClass = `apiVersion: machine.sapcloud.io/v1alpha1
kind: MachineClass
metadata:
  name: worker
provider: Good
providerSpec:
  region: north
  disks:
    - sizeGiB: 1
secretRef:
  name: worker
`
const secret = `apiVersion: v1
kind: Secret
metadata:
  name: worker
stringData:
  token: fine
`

const write = async (name: string, ...documents: string[]) => {
  await writeFile(join(folder, name), documents.join('---\n'))
  return join(folder, name)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-cli-'))
  host = await startHost({ plugins: ['good', 'crashing-at-load'].map(fixture) })
})

afterAll(async () => {
  await host?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

/** Runs `mcm` with arguments, with the test's folder as its working directory. */
async function mcm(
  args: string[],
  input = '',
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [builtFile('host/bin/mcm.js'), ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code, ...output }
}

const onHost = (...args: string[]) => [...args, '--endpoint', host.endpoint]
const lines = (...texts: string[]) => `${texts.join('\n')}\n`

describe('mcm machine', () => {
  it('creates, shows, lists and deletes machines of one file in any order', async () => {
    await write('all.yaml', machine.replace('NAME', 'm-1'), secret, machineClass, machine.replace('NAME', 'm-2'))
    expect(await mcm(onHost('machine', 'create', '-f', 'all.yaml'))).toEqual({
      code: 0,
      stderr: '',
      stdout: lines(
        'NAME  RESULT   PROVIDERID          NODE',
        'm-1   created  good:///north/m-1  node-m-1',
        'm-2   created  good:///north/m-2  node-m-2',
      ).replace('PROVIDERID          NODE', 'PROVIDERID         NODE'),
    })
    expect(await mcm(onHost('machine', 'status', 'm-2', '-f', 'all.yaml', '-o', 'json'))).toEqual({
      code: 0,
      stderr: '',
      stdout: `${JSON.stringify([{ name: 'm-2', namespace: 'default', result: 'found', providerID: 'good:///north/m-2', nodeName: 'node-m-2' }], null, 2)}\n`,
    })
    const listed = await mcm(onHost('machine', 'list', '-f', 'all.yaml', '-o', 'yaml'))
    expect({ ...listed, stdout: parse(listed.stdout) }).toEqual({
      code: 0,
      stderr: '',
      stdout: ['m-1', 'm-2'].map((name) => {
        return { name, namespace: 'default', result: 'of class worker', providerID: `good:///north/${name}` }
      }),
    })
    expect(await mcm(onHost('machine', 'create', 'm-1', '-f', 'all.yaml', '-o', 'wide'))).toMatchObject({
      stdout: lines(
        'NAME  NAMESPACE  RESULT   PROVIDERID         NODE      ADDRESSES',
        'm-1   default    created  good:///north/m-1  node-m-1  Hostname=m-1.s',
      ),
    })
    expect(await mcm(onHost('machine', 'delete', '-f', 'all.yaml'))).toMatchObject({
      code: 0,
      stdout: lines('NAME  RESULT   PROVIDERID  NODE', 'm-1   deleted  –           –', 'm-2   deleted  –           –'),
    })
  })

  it('says what failed, and what to do about it', async () => {
    await write('all.yaml', machine.replace('NAME', 'm-1'), secret, machineClass)
    expect(await mcm(onHost('machine', 'status', '-f', 'all.yaml'))).toEqual({
      code: 1,
      stdout: lines('NAME  RESULT  PROVIDERID  NODE', 'm-1   failed  –           –'),
      stderr: lines('', 'm-1: NotFound: no VM named m-1 in north', '(try again later)'),
    })
    expect(await mcm(onHost('machine', 'initialize', '-f', 'all.yaml'))).toMatchObject({
      code: 1,
      stderr: lines('', 'm-1: Unimplemented: @mcm-fixture/good does not implement InitializeMachine'),
    })
  })

  it.each([
    [
      'a class that is not there',
      () => [machine.replace('NAME', 'm')],
      'bad.yaml:8: Machine m wants MachineClass "worker" in namespace default, which is not in the given files (they have: none)',
    ],
    [
      'malformed YAML',
      () => [secret, machine.replace('  name: NAME', ' - name: [')],
      expect.stringMatching(/^bad\.yaml:1\d: .+$/m),
    ],
  ])('refuses files with %s', async (_, documents, problem) => {
    await write('bad.yaml', ...documents())
    const { code, stdout, stderr } = await mcm(onHost('machine', 'create', '-f', 'bad.yaml'))
    expect({ code, stdout, stderr: stderr.trimEnd() }).toEqual({ code: 1, stdout: '', stderr: problem })
  })

  it('says that there is no file, no host, no such machine', async () => {
    await write('all.yaml', machine.replace('NAME', 'm-1'), secret, machineClass)
    expect(await mcm(onHost('machine', 'create', '-f', 'none.yaml'))).toMatchObject({
      code: 1,
      stderr: lines("cannot read none.yaml: ENOENT: no such file or directory, stat 'none.yaml'"),
    })
    expect(await mcm(onHost('machine', 'create', 'm-7', '-f', 'all.yaml'))).toMatchObject({
      code: 1,
      stderr: lines('no Machine m-7 in the given files'),
    })
    expect(
      await mcm(['machine', 'create', '-f', 'all.yaml', '--endpoint', `unix://${folder}/none.sock`]),
    ).toMatchObject({
      code: 1,
      stderr: lines(
        '',
        `m-1: Unavailable: no host answers at unix://${folder}/none.sock: connect ENOENT ${folder}/none.sock`,
        '(start one with "mcm serve", or name another with --endpoint)',
      ),
    })
  })
})

describe('mcm validate', () => {
  const plugin = ['--plugin', fixture('good'), '--plugin-dir', 'no-plugins']

  it('finds a class valid', async () => {
    await write('class.yaml', machineClass)
    expect(await mcm(['validate', '-f', 'class.yaml', ...plugin])).toEqual({
      code: 0,
      stdout: lines('class.yaml: MachineClass worker is valid'),
      stderr: '',
    })
  })

  it('names the line of each problem', async () => {
    const wrong = machineClass.replace('sizeGiB: 1', 'sizeGiB: 0').replace('region: north', 'regoin: north')
    await write('class.yaml', secret.replace('token: fine', 'user: me'), wrong)
    expect(await mcm(['validate', '-f', 'class.yaml', ...plugin])).toEqual({
      code: 1,
      stdout: lines(
        'class.yaml:13: providerSpec.region is required',
        'class.yaml:14: providerSpec.regoin is not a known field',
        'class.yaml:16: providerSpec.disks[0].sizeGiB must be at least 1, is 0',
        'class.yaml:17: secret.data.token is required (or apiToken)',
      ),
      stderr: '',
    })
    const { code, stdout } = await mcm(['validate', '-f', '-', '-o', 'json', ...plugin], wrong)
    expect({ code, problems: JSON.parse(stdout) }).toMatchObject({
      code: 1,
      problems: [{ file: '-', line: 6, machineClass: 'worker', path: 'providerSpec.region' }, {}, {}],
    })
  })

  it('names a Secret that is missing among those that are given, and what else is wrong', async () => {
    const wrong = machineClass.replace('sizeGiB: 1', 'sizeGiB: 0')
    await write('class.yaml', secret.replace(/name: \S+/, 'name: other'), wrong)
    const { code, stdout } = await mcm(['validate', '-f', 'class.yaml', ...plugin])
    expect({ code, stdout }).toEqual({
      code: 1,
      stdout: expect.stringMatching(
        /^class\.yaml:16: providerSpec\.disks\[0\]\.sizeGiB must be at least 1, is 0\nclass\.yaml:\d+: secretRef names Secret default\/\S+, which is not in the given files\n$/,
      ),
    })
  })

  it('says that no plugin serves the provider', async () => {
    await write('class.yaml', machineClass.replace('provider: Good', 'provider: Nope'))
    expect(await mcm(['validate', '-f', 'class.yaml', ...plugin])).toEqual({
      code: 1,
      stdout: lines('class.yaml:5: no plugin serves provider "Nope"; it serves Good, good-alias'),
      stderr: '',
    })
  })
})

describe('mcm plugin', () => {
  it('lists the plugins of a host', async () => {
    const { code, stdout, stderr } = await mcm(onHost('plugin', 'list'))
    const [head, crashing, good] = stdout.split('\n')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(head).toMatch(/^NAME +VERSION +PROVIDERS +STATE +PID +MEM +CALLS +ERRORS +RESTARTS +LAST FAILURE$/)
    expect(crashing).toMatch(
      /^@mcm-fixture\/crashing-at-load +1\.0\.0 +CrashingAtLoad +failed: Error: the moon is in the wrong house/,
    )
    expect(good).toMatch(/^@mcm-fixture\/good +1\.0\.0 +Good, good-alias +ready +\d+ +\d+M +\d+ +\d+ +0 +–$/)
  })

  it('shows one, by its name or a provider', async () => {
    const byName = await mcm(onHost('plugin', 'show', '@mcm-fixture/good'))
    expect(await mcm(onHost('plugin', 'show', 'good-alias'))).toEqual(byName)
    expect({ ...byName, stdout: parse(byName.stdout) }).toMatchObject({
      code: 0,
      stderr: '',
      stdout: {
        name: '@mcm-fixture/good',
        state: 'ready',
        capabilities: expect.arrayContaining(['CreateMachine', 'DeleteMachine', 'GetMachineStatus', 'ListMachines']),
        secret: { 'token, or apiToken': 'required: token of the API', userData: 'optional' },
        providerSpec: { type: 'object', properties: { region: { type: 'string' } } },
      },
    })
    expect(await mcm(onHost('plugin', 'show', 'none'))).toEqual({
      code: 1,
      stdout: '',
      stderr: lines('no plugin "none" (there are: @mcm-fixture/crashing-at-load, @mcm-fixture/good)'),
    })
  })

  it('looks at what is installed when there is no host where one is by default', async () => {
    const args = ['plugin', 'list', '--plugin', fixture('good'), '--plugin-dir', folder, '-o', 'json']
    const { code, stdout, stderr } = await mcm(args, '', { XDG_RUNTIME_DIR: folder })
    const endpoint = `unix://${folder}/mcm/host.sock`
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: lines(
        `no host answers at ${endpoint}: connect ENOENT ${folder}/mcm/host.sock; these plugins are installed here:`,
      ),
    })
    expect(JSON.parse(stdout)).toMatchObject([{ name: '@mcm-fixture/good', state: 'PLUGIN_STATE_READY' }])
  })

  it('says so when the host that was named does not answer', async () => {
    const { code, stdout, stderr } = await mcm(['plugin', 'list', '--endpoint', `unix://${folder}/none.sock`])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^.*no host answers at unix:.*none\.sock: connect ENOENT/)
  })
})

it('an unknown command, option or format is refused with what there is', async () => {
  expect(await mcm(['machine', 'reboot'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error: unknown command 'reboot'/),
  })
  expect(await mcm(['plugin', 'list', '-o', 'xml'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/Allowed choices are table, wide, json, yaml/),
  })
})
