import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareTree, describeDifference, formatListing, listingName, listTree } from './tree-digest.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mcm-tree-'))
  await write('node_modules/a/index.js', 'a')
  await write('node_modules/a/node_modules/b/index.js', 'b')
})
afterEach(async () => await rm(root, { recursive: true }))

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(root, dirname(path)), { recursive: true })
  await writeFile(join(root, path), text)
}

/** Lists the tree and leaves the listing in it, as an installation does. */
async function seal(): Promise<string> {
  const listing = await listTree(root)
  await writeFile(join(root, listingName), formatListing(listing))
  return listing.digest
}

const difference = { missing: [], changed: [], added: [] }

describe('the digest of a tree', () => {
  it('covers dependencies, and is a sha256 over sorted lines that anybody can make', async () => {
    const { lines, digest } = await listTree(root)
    expect({ lines, digest }).toEqual({
      lines: [
        'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb f "node_modules/a/index.js"',
        '3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d f "node_modules/a/node_modules/b/index.js"',
      ],
      digest: 'sha256-12381b50b3684eb757b2f023bb7b4f39bd0ec0a3620c47f7a162a014b3deb50e',
    })
  })

  it('does not depend on the umask or on times, but on what may be executed', async () => {
    const { digest } = await listTree(root)
    await chmod(join(root, 'node_modules/a/index.js'), 0o600)
    expect((await listTree(root)).digest).toBe(digest)
    await chmod(join(root, 'node_modules/a/index.js'), 0o700)
    expect((await listTree(root)).digest).not.toBe(digest)
  })

  it('covers links that stay inside', async () => {
    const { digest } = await listTree(root)
    await symlink('a', join(root, 'node_modules/c'))
    expect((await listTree(root)).lines.at(-1)).toMatch(/^[0-9a-f]{64} l "node_modules\/c"$/)
    expect((await listTree(root)).digest).not.toBe(digest)
  })

  it.each<[string, string, RegExp]>([
    ['an absolute one', '/etc/passwd', /node_modules\/c is a link that leads out of its plugin, to \/etc\/passwd$/],
    ['a relative one', '../../..', /leads out of its plugin/],
    ['a dangling one', 'nowhere', /is a link that leads nowhere \(nowhere\)$/],
  ])('refuses a link that leads out: %s', async (_, target, message) => {
    await symlink(target, join(root, 'node_modules/c'))
    await expect(listTree(root)).rejects.toThrow(message)
  })

  it('refuses a link that leads out by way of another', async () => {
    await symlink('..', join(root, 'node_modules/up'))
    await symlink('up/../..', join(root, 'node_modules/c'))
    await expect(listTree(root)).rejects.toThrow('leads out')
  })
})

describe('comparing', () => {
  it('finds nothing where nothing changed', async () => {
    expect(await compareTree(root, await seal())).toBeUndefined()
  })

  it('names what is missing, changed and added', async () => {
    await write('x.js', '')
    const digest = await seal()
    await rename(join(root, 'x.js'), join(root, 'y.js'))
    await write('node_modules/a/index.js', 'evil')
    const found = await compareTree(root, digest)
    expect(found).toEqual({ missing: ['x.js'], changed: ['node_modules/a/index.js'], added: ['y.js'] })
    expect(found && describeDifference(found)).toBe('missing x.js; changed node_modules/a/index.js; added y.js')
  })

  it('is not misled by a listing that was changed along', async () => {
    const digest = await seal()
    await write('node_modules/a/index.js', 'evil')
    await seal()
    expect(await compareTree(root, digest)).toEqual({
      ...difference,
      problem: 'its list of files (files.sha256) was changed too, so which ones cannot be said',
    })
  })

  it('tells that a tree is gone', async () => {
    const found = await compareTree(join(root, 'none'), 'sha256-x')
    expect(found?.problem).toMatch(/^ENOENT/)
  })

  it('shortens long lists', () => {
    expect(describeDifference({ ...difference, added: ['a', 'b', 'c', 'd', 'e'] })).toBe('added a, b, c and 2 more')
  })
})
