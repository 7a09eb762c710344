import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { classOf, type Located, readManifests, secretOf } from './manifests.ts'

let root: string
let folder: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mcm-manifests-'))
})
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'case-'))
})
afterAll(async () => await rm(root, { recursive: true, force: true }))

const file = async (text: string, name = 'a.yaml') => {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

const api = 'apiVersion: machine.sapcloud.io/v1alpha1\n'
const machine = `${api}kind: Machine\nmetadata: { name: m }\nspec: { class: { name: c } }\n`
const machineClass = `${api}kind: MachineClass\nmetadata: { name: c }\nprovider: X\nsecretRef: { name: s }\n`
const secret =
  'apiVersion: v1\nkind: Secret\nmetadata: { name: s }\ndata: { token: c2VjcmV0 }\nstringData: { user: me, token: text wins }\n'

const shown = (text: Uint8Array | undefined) => text && Buffer.from(text).toString()
const first = <T>([item]: readonly Located<T>[]): Located<T> => {
  if (!item) throw new Error('there is none')
  return item
}

describe('reads', () => {
  it('several documents in any order, and puts together what belongs together', async () => {
    const manifests = await readManifests([
      await file(
        [machine, secret, machineClass, `${api}kind: MachineSet\nmetadata: { name: set }\n`, ''].join('---\n'),
      ),
    ])
    const foundClass = classOf(first(manifests.machines), manifests)
    expect(first(manifests.machines).object).toEqual({
      apiVersion: 'machine.sapcloud.io/v1alpha1',
      kind: 'Machine',
      metadata: { name: 'm', namespace: 'default' },
      spec: { class: { name: 'c' } },
    })
    expect(foundClass.object).toMatchObject({ provider: 'X', metadata: { name: 'c', namespace: 'default' } })
    const { data } = secretOf(foundClass, manifests) ?? {}
    expect({ token: shown(data?.token), user: shown(data?.user) }).toEqual({ token: 'text wins', user: 'me' })
    expect(manifests.others).toEqual([{ file: join(folder, 'a.yaml'), kind: 'MachineSet', name: 'set' }])
  })

  it('lists, JSON, and folders', async () => {
    await mkdir(join(folder, 'sub.yaml'), { recursive: true })
    await rm(join(folder, 'sub.yaml'), { recursive: true })
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [
        { apiVersion: 'machine.sapcloud.io/v1alpha1', kind: 'Machine', metadata: { name: 'l', namespace: 'ns' } },
      ],
    }
    await file(JSON.stringify(list), 'list.json')
    await file(machine, 'b.yml')
    await file(JSON.stringify({ ...list, kind: 'MachineList', items: [] }), 'empty.json')
    await file('not read', 'readme.md')
    const { machines, others } = await readManifests([folder])
    expect(others).toEqual([])
    expect(machines.map(({ object }) => [object.metadata, object.spec])).toEqual([
      [{ name: 'm', namespace: 'default' }, { class: { name: 'c' } }],
      [{ name: 'l', namespace: 'ns' }, {}],
    ])
  })

  it('all that an API server puts into metadata', async () => {
    const metadata = {
      name: 'm',
      namespace: 'ns',
      uid: 'u',
      generation: 3,
      managedFields: [{ manager: 'kubectl', operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': {} } }],
    }
    const object = { apiVersion: 'machine.sapcloud.io/v1alpha1', kind: 'Machine', metadata, spec: {} }
    const { machines } = await readManifests([await file(JSON.stringify(object))])
    expect(machines.map(({ object }) => object.metadata)).toEqual([metadata])
  })

  it("a class's two Secrets, of which the credentials' one wins", async () => {
    const other = secret
      .replace('{ name: s }', '{ name: cred, namespace: other }')
      .replace('text wins', 'of cred')
      .replace('user: me, ', '')
    const both = `${machineClass}credentialsSecretRef: { name: cred, namespace: other }\n`
    const manifests = await readManifests([await file([secret, both, other].join('---\n'))])
    const { data } = secretOf(first(manifests.classes), manifests) ?? {}
    expect({ token: shown(data?.token), user: shown(data?.user) }).toEqual({ token: 'of cred', user: 'me' })
  })
})

it('knows the line of a path, or of the nearest part that is there', async () => {
  const text = `---
${api}kind: MachineClass
metadata:
  name: c
provider: X
providerSpec:
  region: north
  "odd name":
    - 1
  disks:
    - size: 1
    - size: 2
      kind: ssd
`
  const { lineOf } = first((await readManifests([await file(text)])).classes)
  const paths: [string, number][] = [
    ['', 2],
    ['provider', 6],
    ['providerSpec', 7],
    ['providerSpec.region', 8],
    ['providerSpec["odd name"]', 9],
    ['providerSpec["odd name"][0]', 10],
    ['providerSpec.disks[0].size', 12],
    ['providerSpec.disks[1].kind', 14],
    ['providerSpec.disks[1].missing', 13],
    ['providerSpec.disks[7].size', 11],
    ['providerSpec.none.at.all', 7],
    ['nothing', 2],
  ]
  expect(paths.map(([path]) => [path, lineOf(path)])).toEqual(paths)
})

it('takes merge keys as kubectl does, and knows what they hold', async () => {
  const merged = `${api}kind: MachineClass
metadata: { name: c }
providerSpec:
  base: &base { subnet: a }
  networks:
    - <<: *base
      public: true
`
  const { object, lineOf } = first((await readManifests([await file(merged)])).classes)
  expect(object.providerSpec).toEqual({ base: { subnet: 'a' }, networks: [{ subnet: 'a', public: true }] })
  expect(lineOf('providerSpec.networks[0].subnet')).toBe(7)
})

describe('refuses', () => {
  it.each<[string, string, string | RegExp]>([
    ['malformed YAML', `${machine}---\na: [1,\nb: 2\n`, /^:[67]: [^\n]+$/],
    ['keys that come twice', 'a: 1\na: 2\n', ':2: Map keys must be unique'],
    [
      'an alias that is not there',
      'a: *nothing\n',
      ':1: Unresolved alias (the anchor must be set before the alias): nothing',
    ],
    ['a text', 'just a text\n', ':1: this is no Kubernetes object'],
    ['an object without a kind', 'a: 1\n', ':1: a Kubernetes object needs apiVersion and kind'],
    [
      'another API version',
      machine.replace('v1alpha1', 'v1'),
      ':1: Machine must have apiVersion machine.sapcloud.io/v1alpha1, not machine.sapcloud.io/v1',
    ],
    ['no name', machine.replace('name: m', 'labels: {}'), ':1: Machine needs metadata.name'],
    ['an unknown field', machine.replace('class:', 'clas:'), ':4: spec.clas is not a known field'],
    [
      'unknown fields and wrong values of one object',
      `${api}kind: Machine
metadata:
  name: 7
  labls: {}
  ownerReferences:
    - kind: x
      nmae: y
spec:
  class: c
  nodeTemplate: [1]
`,
      [
        ':4: metadata.name expected string, got 7',
        ':5: metadata.labls is not a known field',
        ':8: metadata.ownerReferences[0].nmae is not a known field',
        ':10: spec.class must be an object, is "c"',
        ':11: spec.nodeTemplate must be an object, is [1]',
      ].join('\n'),
    ],
    [
      'a value that is not base64',
      secret.replace('c2VjcmV0', '"?!"'),
      ':4: data.token must be base64; plain text belongs in stringData',
    ],
    [
      'an object that comes twice',
      `${machine}---\n${machine.replace('name: m ', 'name: m, namespace: ns ')}---\n${machine}`,
      ':11: Machine default/m is already at :1',
    ],
  ])('%s, with file and line', async (_, text, problem) => {
    const path = await file(text)
    const message = await readManifests([path]).then(
      () => '',
      (error: Error) => error.message.replaceAll(path, ''),
    )
    expect(message).toEqual(typeof problem === 'string' ? problem : expect.stringMatching(problem))
  })

  it('all that is wrong at once', async () => {
    const paths = [await file(`a: *x\n---\n${machine.replace('class:', 'clas:')}`), await file('text', 'b.yaml')]
    const message = await readManifests(paths).then(
      () => '',
      (error: Error) => error.message,
    )
    expect(message.split('\n')).toHaveLength(3)
  })

  it('a Machine without its class, and a class without its Secret, in their namespace', async () => {
    const manifests = await readManifests([
      await file([machine.replace('name: m ', 'name: m, namespace: ns '), machineClass].join('---\n')),
    ])
    const path = join(folder, 'a.yaml')
    expect(() => classOf(first(manifests.machines), manifests)).toThrow(
      `${path}:4: Machine m wants MachineClass "c" in namespace ns, which is not in the given files (they have: c)`,
    )
    expect(() => secretOf(first(manifests.classes), manifests)).toThrow(
      `${path}:10: secretRef names Secret default/s, which is not in the given files`,
    )
  })

  it('files that are not there, and folders without any', async () => {
    await expect(readManifests([join(folder, 'none')])).rejects.toThrow(`cannot read ${folder}/none: ENOENT`)
    await expect(readManifests([folder])).rejects.toThrow(`${folder} has no .yaml, .yml or .json files`)
  })
})
