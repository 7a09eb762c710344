// Measures what the SDK costs a plugin's start; then bundles the programs of the benchmark from the sources, and runs
// those that are named, in turn, with the options that follow: `node test/bench/run.mjs main aws --rounds=3`.
import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../build.mjs'
import { printImportCost } from './import-cost.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
printImportCost()
// Inside the project, so that the programs find its packages.
const outdir = join(root, 'node_modules/.cache/mcm-bench')
const entryPoints = Object.fromEntries(
  ['main', 'neighbours', 'echo-server', 'host-server', 'starts', 'bare-process', 'aws', 'gcp'].map((name) => [
    name,
    `test/bench/${name}.ts`,
  ]),
)
await bundle({ entryPoints, outdir })
// As the build does it.
const alone = { splitting: false, packages: 'bundle', outdir }
await bundle({ ...alone, entryPoints: { 'plugin-process': 'host/src/runtime/plugin-side/plugin-process.ts' } })
const words = process.argv.slice(2)
const options = words.filter((word) => word.startsWith('-'))
for (const program of words.filter((word) => !word.startsWith('-'))) {
  const { status } = spawnSync(process.execPath, [join(outdir, `${program}.js`), ...options], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
