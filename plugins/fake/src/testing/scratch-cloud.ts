import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { onTestFinished } from 'vitest'
import { type CloudControl, controlCloud } from '../cloud/index.ts'

/** A cloud of its own for one test. */
export async function scratchCloud(): Promise<{ endpoint: string; control: CloudControl }> {
  const folder = mkdtempSync(join(tmpdir(), 'mcm-fake-test-'))
  const endpoint = pathToFileURL(join(folder, 'cloud.db')).href
  const control = await controlCloud(endpoint)
  onTestFinished(() => {
    control.close()
    rmSync(folder, { recursive: true })
  })
  return { endpoint, control }
}
