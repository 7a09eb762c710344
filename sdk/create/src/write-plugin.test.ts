import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defaultNames } from './names.ts'
import { writePlugin } from './write-plugin.ts'

let folder: string
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'mcm-create-')), 'new')
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true }))

const read = (file: string) => readFileSync(join(folder, file), 'utf8')
const json = (file: string) => JSON.parse(readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8'))

describe('a new plugin', () => {
  it('is small: at most 12 files and 300 lines, its cloud left out', async () => {
    const files = (await writePlugin(folder, defaultNames('x'))).filter((file) => file !== 'src/mini-cloud.ts')
    const lines = files.flatMap((file) => read(file).trimEnd().split('\n'))
    expect(files.length).toBeLessThanOrEqual(12)
    expect(lines.length).toBeLessThanOrEqual(300)
  })

  it('has its own names everywhere', async () => {
    const names = { cloud: 'blue', package: '@my-cloud/blue', provider: 'Blue.Sky', author: 'MyCloud Ltd' }
    const files = await writePlugin(folder, names)
    const texts = files.map(read).join('\n').replaceAll(names.package, '').replaceAll(names.author, '')
    expect(texts).not.toMatch(/acme|my-cloud|MyCloud|2000 The Author/)
    expect(JSON.parse(read('package.json'))).toMatchObject({ name: '@my-cloud/blue', mcm: { providers: ['Blue.Sky'] } })
    expect(read('kubernetes/machine.yaml')).toContain('provider: "Blue.Sky"\n')
    expect(read('src/index.ts')).toContain("provider: 'Blue.Sky'")
    expect(read('src/index.ts')).toContain("providerID('blue', '', id)")
    expect(read('LICENSE')).toContain(`Copyright (c) ${new Date().getFullYear()} MyCloud Ltd\n`)
    expect(read('.gitignore')).toBe('/dist\n/node_modules\n')
  })

  it('is made with the SDK and the host of this release, and the compiler that this project is made with', async () => {
    await writePlugin(folder, defaultNames('x'))
    const { devDependencies } = json('package.json')
    expect(JSON.parse(read('package.json'))).toMatchObject({
      mcm: { contract: 1, host: json('plugins/fake/package.json').mcm.host },
      dependencies: { '@mcm/sdk': json('sdk/package.json').version },
      devDependencies: {
        '@mcm/host': json('host/package.json').version,
        '@types/node': devDependencies['@types/node'],
        typescript: devDependencies.typescript,
      },
    })
    expect(json('sdk/create/package.json').version).toBe(json('sdk/package.json').version)
  })

  it('is not written where something is, but beside what git keeps', async () => {
    mkdirSync(join(folder, '.git'), { recursive: true })
    writeFileSync(join(folder, 'a'), '')
    const error = `${folder} is not empty (a); nothing was written. Name another with --folder`
    await expect(writePlugin(folder, defaultNames('x'))).rejects.toThrow(error)
    expect(readdirSync(folder)).toEqual(['.git', 'a'])
    rmSync(join(folder, 'a'))
    expect(await writePlugin(folder, defaultNames('x'))).toContain('package.json')
    await expect(writePlugin(join(folder, 'package.json'), defaultNames('x'))).rejects.toThrow('ENOTDIR')
  })
})
