import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { sdkVersion } from './version.ts'

it('is that of package.json', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  expect(sdkVersion).toBe(version)
})
