import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type HostErrorReason, hostError, hostErrors } from './host-error.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const sources = globSync('**/*.ts', { cwd: folder })
  .filter((name) => !name.endsWith('.test.ts') && name !== 'host-error.ts')
  .map((name) => readFileSync(`${folder}/${name}`, 'utf8'))
  .join('\n')
const page = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8')
const reasons = Object.keys(hostErrors) as HostErrorReason[]

describe("the catalogue of the host's errors", () => {
  it.each(reasons)('%s is used, is in the reference, and says what to do', (reason) => {
    const { code, explanation } = hostErrors[reason]
    expect(sources).toContain(`'${reason}'`)
    expect(page).toContain(reason)
    expect(explanation).toMatch(/^[A-Z].*\.$/)
    expect(hostError(reason, 'x', { source: 'plugin' })).toMatchObject({ code, reason, source: 'plugin', message: 'x' })
    expect(hostError(reason, 'x').source).toBe('host')
  })

  it('is the only source of reasons in the host', () => {
    const used = [...sources.matchAll(/hostError\(\s*'([A-Z_]+)'|reason: '([A-Z_]+)'/g)].map(([, a, b]) => a ?? b)
    expect(used.filter((reason) => !reasons.some((known) => known === reason))).toEqual([])
  })
})
