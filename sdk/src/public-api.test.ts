import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const folder = fileURLToPath(new URL('.', import.meta.url))
const sources = globSync('**/*.ts', { cwd: folder }).filter((file) => !/(^|\/)gen\/|\.test\.ts$/.test(file))

it.each(sources)('every export of %s says what it is for', (file) => {
  const lines = readFileSync(folder + file, 'utf8').split('\n')
  const bare = lines.filter((line, i) => {
    const isExport = /^export (async )?(abstract )?(function|class|interface|type \w+ =|type \w+<|const)/.test(line)
    if (!isExport) return false
    // Of overloads, the first has the comment.
    const before = lines.slice(0, i).findLast((text) => text.trim() !== '' && !text.startsWith('// biome-ignore')) ?? ''
    return !before.trim().endsWith('*/') && !before.startsWith(line.split('(')[0] ?? line)
  })
  expect(bare).toEqual([])
})
