import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'mcm-reference-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the reference', () => {
  it('is what the sources say now', { timeout: 60_000 }, () => {
    execFileSync(process.execPath, ['build.mjs', `reference=${folder}`], { cwd: root })
    const generated = globSync('**/*.md', { cwd: folder }).sort()
    expect(generated).toEqual([
      'aws.md',
      'configuration.md',
      'conformance.md',
      'contract.md',
      'errors.md',
      'gcp.md',
      'metrics.md',
      'misbehaving-plugins.md',
      'sdk/@mcm/sdk.md',
      'sdk/@mcm/sdk/client.md',
      'sdk/@mcm/sdk/conformance.md',
      'sdk/@mcm/sdk/contract.md',
      'sdk/@mcm/sdk/go.md',
      'sdk/@mcm/sdk/testing.md',
      'sdk/README.md',
    ])
    for (const name of generated) {
      // After a change of protos, tables, schemas or doc comments: npm run generate
      expect(readFileSync(join(root, 'docs/reference', name), 'utf8')).toBe(readFileSync(join(folder, name), 'utf8'))
    }
    // The generator fails on an export without a comment. Examples it does not ask for; each entry has one.
    for (const name of generated.filter((name) => name.startsWith('sdk/@mcm/'))) {
      expect(readFileSync(join(folder, name), 'utf8'), name).toMatch(/^#+ Examples?$/m)
    }
  })
})
