// What `import '@mcm/sdk'` costs each start of a plugin, over a program that does nothing. The aim is 40 ms.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const entries = ['@mcm/sdk', '@mcm/sdk/testing']

/** Measures it in rounds, of which the medians count, and prints it. */
export function printImportCost(rounds = 15) {
  if (!existsSync(`${root}/sdk/dist/index.js`)) throw new Error('the SDK is not built: run "npm run build" first')
  const programs = ['', ...entries.map((entry) => `await import('${entry}')`)]
  const times = programs.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [i, program] of programs.entries()) times[i].push(msOf(program))
  }
  const [empty, ...others] = times.map(median)
  console.log(`an empty program starts in ${empty.toFixed(0)} ms`)
  for (const [i, ms] of others.entries()) {
    const more = `${(ms - empty).toFixed(0)} ms more, ${(ms / empty).toFixed(2)} times as long`
    console.log(`import '${entries[i]}': ${more}${i === 0 ? '; aim: 40 ms' : ''}`)
  }
  console.log()
}

function msOf(program) {
  const startMs = performance.now()
  const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], { cwd: root })
  if (status !== 0) throw new Error(`${program} failed`)
  return performance.now() - startMs
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
}
