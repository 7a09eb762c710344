import { glob } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { EnsureOptions } from '../env/debian-packages.ts'
import { ensurePython } from '../env/python.ts'

/** A Python with two clients of Compute that we did not write, and Google's own description of it. @returns Its interpreter. */
export async function ensureGooglePackages(options: EnsureOptions): Promise<string> {
  const packages = ['google-cloud-compute==1.57.0', 'apache-libcloud==3.9.1', 'google-api-python-client==2.202.0']
  return await ensurePython('python-google-2.202.0', packages, options)
}

/** The file in which Google publishes what Compute's REST API takes and answers. */
export async function descriptionFile(options: EnsureOptions): Promise<string> {
  const cwd = dirname(dirname(await ensureGooglePackages(options)))
  const pattern = 'lib/python3*/site-packages/googleapiclient/discovery_cache/documents/compute.v1.json'
  for await (const file of glob(pattern, { cwd })) return join(cwd, file)
  throw new Error(`${cwd} has no ${pattern}`)
}
