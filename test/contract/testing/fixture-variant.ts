import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkout, fixture } from './built-program.ts'

/** A copy of a fixture whose package says something else. Its SDK is linked, as in a workspace. */
export function fixtureVariant(
  folder: string,
  name: string,
  { provider, permissions }: { provider: string; permissions: Record<string, string[]> },
  root = checkout,
): string {
  const copy = join(folder, provider)
  cpSync(fixture(name), copy, { recursive: true })
  const manifest = JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8'))
  const mcm = { ...manifest.mcm, providers: [provider], permissions }
  const text = JSON.stringify({ ...manifest, name: `@mcm-fixture/${provider.toLowerCase()}`, mcm })
  writeFileSync(join(copy, 'package.json'), text)
  mkdirSync(join(copy, 'node_modules/@mcm'), { recursive: true })
  symlinkSync(join(root, 'sdk'), join(copy, 'node_modules/@mcm/sdk'))
  return copy
}
