import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { defaultLimits } from '../setup.ts'
import { findConfig, readConfig } from './read-config.ts'

const folder = mkdtempSync(join(tmpdir(), 'mcm-config-'))
afterAll(() => rmSync(folder, { recursive: true }))

function write(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

write(
  'class.yaml',
  'kind: Secret\n---\nkind: MachineClass\nprovider: x\nproviderSpec: {zone: a, tags: {mine: "1", t: "2"}}\n',
)
// biome-ignore lint/suspicious/noTemplateCurlyInString: the file has such a placeholder
write('secret.yaml', 'kind: Secret\ndata: {token: aGVsbG8=}\nstringData: {userData: "${USER_DATA}"}\n')

describe('readConfig', () => {
  it('reads the files that it names, and changes them as it says', async () => {
    const file = write(
      'good.yaml',
      `
machineClass: class.yaml
secret: secret.yaml
providerSpec: {zone: "\${ZONE}"}
otherCluster: {providerSpec: {tags: {mine: null, theirs: "1"}}}
invalid: {providerSpec: {zone: 1}, paths: [providerSpec.zone]}
declares: {unknownFields: ignored}
limits: {atOnce: 3}
`,
    )
    const { setup } = await readConfig(file, { ZONE: 'b', USER_DATA: '#!/bin/sh' })
    const metadata = { name: 'conformance', namespace: 'default' }
    const secret = { data: { token: Buffer.from('hello'), userData: Buffer.from('#!/bin/sh') } }
    const machineClass = (providerSpec: object) => ({ kind: 'MachineClass', metadata, provider: 'x', providerSpec })
    expect(setup).toEqual({
      profile: 'core',
      declares: { unknownFields: 'ignored', userData: 'bytes', userDataMinBytes: 0, uniqueNames: false },
      main: { machineClass: machineClass({ zone: 'b', tags: { mine: '1', t: '2' } }), secret },
      otherCluster: { machineClass: machineClass({ zone: 'b', tags: { theirs: '1', t: '2' } }), secret },
      invalid: {
        class: { machineClass: machineClass({ zone: 1, tags: { mine: '1', t: '2' } }), secret },
        paths: ['providerSpec.zone'],
      },
      limits: { ...defaultLimits, atOnce: 3 },
      knownFailures: {},
    })
  })

  it('says all that is wrong with the file at once, with paths', async () => {
    const file = write(
      'bad.yaml',
      `
profil: full
secret: 7
limits: {atOnce: 0, callSeconds: soon}
volumes: {known: [{spec: {}}]}
hooks: {fault: "echo \${NOT_SET}"}
`,
    )
    await expect(readConfig(file, {})).rejects.toThrow(
      [
        `${file} is not right:`,
        '  hooks.fault: the environment variable NOT_SET is not set',
        '  machineClass: is required',
        '  profil: is not known',
        '  secret: must be string',
        '  secret: must be object',
        '  volumes.known[0].id: is required',
        '  limits.callSeconds: must be number',
        '  limits.atOnce: must be >= 1',
      ].join('\n'),
    )
  })

  it('says all that is wrong with what the file names', async () => {
    const file = write(
      'wrong.yaml',
      `
machineClass: {metadata: {name: c}}
secret: class.json
hooks: {fault: "true", module: ./x.js}
knownFailures: {nope: because}
`,
    )
    await expect(readConfig(file, {})).rejects.toThrow(
      new RegExp(
        [
          'knownFailures.nope: there is no such case',
          'hooks: a module and commands exclude each other',
          'hooks.clearFaults: is required beside hooks.fault',
          "secret: ENOENT: no such file or directory, open '.*class.json'",
          'machineClass: names no provider',
        ].join('\n  '),
      ),
    )
  })

  it('says what a folder without one lacks', () => {
    expect(() => findConfig(folder)).toThrow(`${folder} has no mcm-conformance.yaml`)
  })
})
