import { expect, test } from 'vitest'
import { ensureDebianPackages, PackagesError } from '../env/debian-packages.ts'

const signal = AbortSignal.timeout(120_000)
const log = () => {}

test('what is there is neither asked about nor installed', async () => {
  const confirm = () => Promise.reject(new Error('asked'))
  const options = { signal, log, confirm, whereKnown: ['mcm-no-such-package'] }
  expect(await ensureDebianPackages(['dpkg', 'apt'], options)).toEqual([])
})

test('a person who says no is told what to type', async () => {
  const asked: string[] = []
  const confirm = async ({ command }: { command: string }) => {
    asked.push(command)
    return false
  }

  const refused = ensureDebianPackages(['dpkg', 'mcm-no-such-package'], { signal, log, confirm })

  await expect(refused).rejects.toThrow(PackagesError)
  await expect(refused).rejects.toThrow(
    'type: sudo apt-get update && sudo apt-get install -y --no-install-recommends --no-remove mcm-no-such-package',
  )
  expect(asked).toEqual([expect.stringContaining('install -y --no-install-recommends --no-remove mcm-no-such-package')])
})

test('names a package that no list has, after a look at fresh lists', async () => {
  const lines: string[] = []
  const options = { signal, log: (line: string) => lines.push(line), confirm: async () => true }
  await expect(ensureDebianPackages(['mcm-no-such-package'], options)).rejects.toThrow(
    /Unable to locate package mcm-no-such-package/,
  )
  expect(lines).toContainEqual(expect.stringMatching(/^packages: refreshed the lists/))
})
