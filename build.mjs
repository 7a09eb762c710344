// Builds the project. `node build.mjs` builds all; `node build.mjs generate reference` makes code and pages from the
// sources of truth (protos, tables, schemas) and needs to run only when those change.
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = dirname(fileURLToPath(import.meta.url))
const protos = join(root, 'sdk/proto')
const bin = (name) => join(root, 'node_modules', '.bin', name)
const run = (command, args, cwd = root) => execFileSync(command, args, { cwd, stdio: 'inherit' })

const steps = {
  /** Messages from the protos. */
  generate() {
    run(bin('buf'), ['lint'], protos)
    rmSync(join(root, 'sdk/src/contract/gen'), { recursive: true, force: true })
    run(bin('buf'), ['generate'], protos)
  },

  /** Pages of the reference from protos, tables, schemas and the SDK's doc comments; an export without one is an error. */
  async reference(folder = 'docs/reference') {
    const outdir = 'node_modules/.cache/mcm-reference'
    await bundle({ entryPoints: { main: 'docs/generate/main.ts' }, outdir })
    run(bin('buf'), ['build', '-o', join(root, outdir, 'protos.binpb')], protos)
    run(process.execPath, [join(outdir, 'main.js'), folder, join(outdir, 'protos.binpb')])
    const typedoc = join(root, 'docs/node_modules/.bin/typedoc')
    run(typedoc, ['--options', 'docs/typedoc.json', '--logLevel', 'Warn', '--out', join(folder, 'sdk')])
  },

  /** Libraries stay one file per source file, so that stacks and editors show what was written. */
  async libraries() {
    for (const folder of ['sdk', 'sdk/create', ...globSync('plugins/*', { cwd: root })]) {
      rmSync(join(root, folder, 'dist'), { recursive: true, force: true })
      run(bin('tsc'), ['-p', join(folder, 'tsconfig.json')])
    }
    await bundleInto('sdk/dist', { typebox: 'sdk/src/typebox.ts' }, ['typebox/license'])
    const ajv = ['ajv', 'ajv-formats', 'fast-deep-equal', 'fast-uri', 'json-schema-traverse'].map(
      (name) => `${name}/LICENSE`,
    )
    await bundleInto('sdk/dist', { 'schema/ajv': 'sdk/src/schema/ajv.ts' }, ajv)
  },

  /** The host is one program. */
  async host() {
    rmSync(join(root, 'host/dist'), { recursive: true, force: true })
    const outdir = 'host/dist'
    await bundle({ entryPoints: { main: 'host/src/cli/main.ts', composition: 'host/src/composition.ts' }, outdir })
    // One file each, with all that it needs: that starts fastest, and is all of the host that a plugin's process may read.
    const alone = { splitting: false, packages: 'bundle', outdir }
    await bundle({ ...alone, entryPoints: { 'plugin-process': 'host/src/runtime/plugin-side/plugin-process.ts' } })
    await bundle({ ...alone, entryPoints: { 'plugin-thread': 'host/src/runtime/plugin-side/plugin-thread.ts' } })
  },
}

/** Takes packages into a library. Their licences want to go along. */
async function bundleInto(outdir, entryPoints, licenses) {
  const texts = licenses.map((file) => readFileSync(join(root, 'node_modules', file), 'utf8'))
  await bundle({
    entryPoints,
    outdir,
    banner: { js: `/*\n${texts.join('\n')}*/` },
    splitting: false,
    packages: 'bundle',
  })
}

/**
 * Bundles programs. Dependencies stay outside, since some load files that lie beside their code; the SDK goes in, so that
 * a host and its SDK always fit together.
 */
export async function bundle(options) {
  await build({
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.18',
    packages: 'external',
    alias: {
      '@mcm/sdk': './sdk/src/index.ts',
      '@mcm/sdk/contract': './sdk/src/contract/index.ts',
      '@mcm/sdk/client': './sdk/src/client/index.ts',
      '@mcm/sdk/go': './sdk/src/go/index.ts',
      '@mcm/sdk/schema': './sdk/src/schema/index.ts',
      '@mcm/sdk/conformance': './sdk/src/conformance/index.ts',
    },
    sourcemap: true,
    logLevel: 'warning',
    ...options,
  })
}

if (import.meta.main) {
  const wanted = process.argv.slice(2)
  for (const step of wanted.length > 0 ? wanted : ['libraries', 'host']) {
    const [name, argument] = step.split('=')
    if (!Object.hasOwn(steps, name)) {
      console.error(`no build step ${name}; there are: ${Object.keys(steps).join(', ')}`)
      process.exit(1)
    }
    await steps[name](argument)
  }
}
