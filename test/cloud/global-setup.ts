import { ensureGooglePackages } from '../fake-compute/google-packages.ts'
import { ensureMoto } from './testing/moto.ts'

/** Runs once before all tests of this level: installs what they need. Fails with the name of what is missing. */
export async function setup(): Promise<void> {
  const log = (line: string) => console.log(line)
  const options = { signal: AbortSignal.timeout(600_000), confirm: async () => true, log }
  await ensureMoto(options)
  await ensureGooglePackages(options)
}
