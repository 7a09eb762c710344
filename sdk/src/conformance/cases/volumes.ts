import type { JsonObject, JsonValue } from '../../model/kubernetes.ts'
import type { ConformanceCase } from '../case.ts'
import type { CaseRun } from '../case-run.ts'
import { check, expectSame, outcomeOf } from '../check.ts'

/** GetVolumeIDs: ids of known volumes, silence about others. */
export const volumeCases: ConformanceCase[] = [
  {
    id: 'volumes-known',
    title: 'Volumes of this provider have an id',
    requirement:
      'GetVolumeIDs answers the id of each spec of this provider, in their order, and leaves the others out.',
    source: 'driver contract, GetVolumeIDsResponse: in their order, others are left out',
    advice: 'Answer csi.volumeHandle where csi.driver is your own; read in-tree sources, if there are.',
    tags: ['volumes'],
    profile: 'core',
    needs: ['getVolumeIDs', 'volumes'],
    async run(run) {
      const { known = [], unknown = [] } = run.setup.volumes ?? {}
      const mixed = known.flatMap(({ spec }, i) => [spec, unknown[i % Math.max(1, unknown.length)] ?? foreignSpec])
      expectSame(
        await idsOf(
          run,
          known.map(({ spec }) => spec),
        ),
        known.map(({ id }) => id),
        'the ids of known volumes',
      )
      expectSame(
        await idsOf(run, [foreignSpec, ...mixed]),
        known.map(({ id }) => id),
        'the ids among foreign volumes',
      )
    },
  },
  {
    id: 'volumes-unknown',
    title: 'Volumes of others have none',
    requirement:
      'GetVolumeIDs leaves specs out that are not of this provider: a wrong id would keep draining from ending.',
    source: 'driver contract, GetVolumeIDsResponse: others are left out',
    advice: 'Compare the name of the CSI driver.',
    tags: ['volumes'],
    profile: 'core',
    needs: ['getVolumeIDs'],
    async run(run) {
      const specs = [foreignSpec, { nfs: { server: 's', path: '/' } }, ...(run.setup.volumes?.unknown ?? [])]
      expectSame(await idsOf(run, specs), [], 'the ids of foreign volumes')
    },
  },
  {
    id: 'volumes-empty',
    title: 'No volumes, no ids',
    requirement: 'GetVolumeIDs of an empty list answers an empty list.',
    source: 'driver contract, GetVolumeIDs',
    advice: 'Do not expect a first element.',
    tags: ['volumes'],
    profile: 'core',
    needs: ['getVolumeIDs'],
    async run(run) {
      expectSame(await idsOf(run, []), [], 'the ids of no volumes')
    },
  },
  {
    id: 'volumes-odd',
    title: 'Odd volume specs do no harm',
    requirement:
      'A spec without a source, with one of a wrong kind, or with an empty id, is left out or answers InvalidArgument; it is no failure of the plugin.',
    source: 'driver contract, table of codes of GetVolumeIDs: InvalidArgument',
    advice: 'Check the kind of what you read.',
    tags: ['volumes'],
    profile: 'core',
    needs: ['getVolumeIDs'],
    async run(run) {
      const machineClass = run.setup.main.machineClass
      const odd: JsonObject[] = [{}, { csi: null }, { csi: 'text' }, { csi: { driver: 7 } }, { csi: [] }]
      // Of this provider, but without an id. Upstream looks for ids as regular expressions: an empty one is found everywhere.
      const nameless = (run.setup.volumes?.known ?? []).map(({ spec, id }) => withoutText(spec, id) as JsonObject)
      for (const spec of [...odd, ...nameless]) {
        const outcome = await outcomeOf(run.driver.getVolumeIDs({ pvSpecs: [spec], machineClass }))
        if (outcome.kind === 'answer') expectSame(outcome.answer.volumeIDs, [], `the ids of ${JSON.stringify(spec)}`)
        else
          check(
            outcome.error.code === 'InvalidArgument',
            `${JSON.stringify(spec)}: got ${outcome.error.code}: ${outcome.error.message}`,
          )
      }
    },
  },
]

const foreignSpec: JsonObject = { csi: { driver: 'nobody.csi.conformance.mcm.dev', volumeHandle: 'foreign-1' } }

async function idsOf(run: CaseRun, pvSpecs: JsonObject[]): Promise<string[]> {
  return (await run.driver.getVolumeIDs({ pvSpecs, machineClass: run.setup.main.machineClass })).volumeIDs
}

/** The same value, with one of its texts emptied wherever it stands. */
function withoutText(value: JsonValue, text: string): JsonValue {
  if (value === text) return ''
  if (Array.isArray(value)) return value.map((item) => withoutText(item, text))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutText(item, text)]))
}
