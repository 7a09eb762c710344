import { execFileSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
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
      'metrics.md',
      'misbehaving-plugins.md',
      'sdk/@mcm/sdk.md',
      'sdk/@mcm/sdk/client.md',
      'sdk/@mcm/sdk/conformance.md',
      'sdk/@mcm/sdk/contract.md',
      'sdk/@mcm/sdk/testing.md',
      'sdk/README.md',
    ])
    for (const name of generated) {
      // After a change of protos, tables, schemas or doc comments: npm run generate
      expect(readFileSync(join(root, 'docs/reference', name), 'utf8')).toBe(readFileSync(join(folder, name), 'utf8'))
    }
  })
})

describe('links in the documentation', () => {
  const pages = globSync(['*.md', 'docs/**/*.md', 'plugins/*/*.md', 'test/**/*.md'], {
    cwd: root,
    exclude: ['**/node_modules/**'],
  })

  it.each(pages)('lead somewhere: %s', (page) => {
    const text = readFileSync(join(root, page), 'utf8').replaceAll(/```[\s\S]*?```/g, '')
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
    const broken = links.filter((link) => !/^https?:/.test(link) && !leadsSomewhere(page, link))
    expect(broken).toEqual([])
  })
})

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const file = path === '' ? join(root, page) : resolve(root, dirname(page), path)
  try {
    if (anchor === undefined) return globSync(file).length > 0
    const text = readFileSync(file, 'utf8')
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slug(heading))
    const ids = [...text.matchAll(/<a id="([^"]+)">/g)].map(([, id = '']) => id)
    // The second heading of a name has the anchor name-1.
    return [...headings, ...ids].some((one) => one === anchor || anchor.replace(/-\d+$/, '') === one)
  } catch {
    return false
  }
}

/** As the usual renderers make anchors of headings. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}
