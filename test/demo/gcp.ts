import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { computeEndpoints, computeGrant } from '../cloud/testing/grants.ts'
import { FakeCompute } from '../fake-compute/server.ts'
import { demonstrate, root } from './demo.ts'

// npm run demo:gcp: without an account. Compute, and what gives tokens for it, run in this process, in memory.

async function start(cleanup: AsyncDisposableStack, folder: string) {
  const compute = cleanup.use(await FakeCompute.start())
  Object.assign(process.env, computeEndpoints(compute.url))
  const samples = join(folder, 'kubernetes/gcp')
  await cp(join(root, 'kubernetes/gcp'), samples, { recursive: true })
  // A sample cannot have a key that is good for anything.
  const file = join(samples, 'secret.yaml')
  const secret = parse(await readFile(file, 'utf8'))
  secret.stringData.serviceAccountJSON = JSON.stringify(compute.tokens.serviceAccountKey(compute.project))
  await writeFile(file, stringify(secret), { mode: 0o600 })
  return {
    name: 'Compute',
    url: compute.url,
    config: computeGrant,
    cwd: folder,
    get actions() {
      return compute.actions
    },
  }
}

await demonstrate(start, async (show) => {
  const files = ['-f', 'kubernetes/gcp']
  await show('machine', 'create', ...files)
  await show('machine', 'create', ...files)
  console.log('  (again: it finds the VM that is there)')
  await show('machine', 'status', ...files, '-o', 'wide')
  await show('machine', 'list', ...files)
  await show('machine', 'delete', ...files)
  await show('machine', 'list', ...files)
})
