import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { awsReference } from './aws.ts'
import { configurationReference } from './configuration.ts'
import { conformanceReference } from './conformance.ts'
import { contractReference } from './contract.ts'
import { errorReference } from './errors.ts'
import { gcpReference } from './gcp.ts'
import { metricsReference } from './metrics.ts'
import { misbehavingPluginsReference } from './misbehaving-plugins.ts'

// Writes the parts of the reference that follow from the sources: node main.js <folder> <descriptor set of the protos>

const [, , folder = '', descriptors = ''] = process.argv
const pages = {
  'contract.md': await contractReference(descriptors),
  'errors.md': errorReference(),
  'conformance.md': conformanceReference(),
  'configuration.md': configurationReference(),
  'metrics.md': metricsReference(),
  'aws.md': awsReference(),
  'gcp.md': gcpReference(),
  'misbehaving-plugins.md': misbehavingPluginsReference(),
}
for (const [name, text] of Object.entries(pages)) await writeFile(join(folder, name), text)
