// Measures what the SDK costs a plugin's start; then bundles the programs of the benchmark from the sources, and runs it.
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
  ['main', 'neighbours', 'echo-server', 'host-server', 'starts', 'bare-process', 'aws'].map((name) => [
    name,
    `test/bench/${name}.ts`,
  ]),
)
await bundle({ entryPoints, outdir })
// As the build does it.
const alone = { splitting: false, packages: 'bundle', outdir }
await bundle({ ...alone, entryPoints: { 'plugin-process': 'host/src/runtime/plugin-side/plugin-process.ts' } })
const [program = 'main', ...args] = process.argv.slice(2)
const { status } = spawnSync(process.execPath, [join(outdir, `${program}.js`), ...args], {
  stdio: 'inherit',
})
process.exit(status ?? 1)
