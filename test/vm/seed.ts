import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../env/run.ts'

export interface Seed {
  readonly hostname: string
  readonly userData: string
}

/** Writes a NoCloud seed with xorriso, a referee for the seeds that we write ourselves. */
export async function writeSeed(path: string, seed: Seed, signal: AbortSignal): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mcm-seed-'))
  try {
    await writeFile(join(folder, 'meta-data'), `instance-id: i-${seed.hostname}\nlocal-hostname: ${seed.hostname}\n`)
    await writeFile(join(folder, 'user-data'), seed.userData)
    const args = ['-as', 'mkisofs', '-quiet', '-V', 'cidata', '-J', '-r', '-o', path, folder]
    await run('xorriso', args, { signal })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
