import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseDocument } from 'yaml'

const samples = fileURLToPath(new URL('../../kubernetes/libvirt', import.meta.url))

/** What this run has of its own, in place of the samples' values. */
export interface OwnPlaces {
  uri: string
  image: string
  poolDir: string
}

/** Copies kubernetes/libvirt with the places of this run in its class. All else stays as it is, comments included. */
export async function prepareSamples(into: string, { uri, image, poolDir }: OwnPlaces): Promise<string> {
  const folder = join(into, 'kubernetes')
  await cp(samples, folder, { recursive: true })
  const file = join(folder, 'machine-class.yaml')
  const document = parseDocument(await readFile(file, 'utf8'))
  document.setIn(['providerSpec', 'uri'], uri)
  document.setIn(['providerSpec', 'image'], { path: image })
  document.setIn(['providerSpec', 'pool', 'path'], poolDir)
  await writeFile(file, String(document))
  return folder
}
