import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cachedFolder } from './cache-dir.ts'
import { run } from './run.ts'

/** A package registry of a test's own, which takes packages and has none but those. */
export interface Verdaccio extends AsyncDisposable {
  url: string
  /** Lines of an .npmrc by which packages of some scopes come from here, and all others from where they usually do. */
  npmrc(...scopes: string[]): string
}

/** Starts a registry on loopback, with verdaccio, which is installed when it is not there yet. */
export async function startVerdaccio({
  signal,
  log,
}: {
  signal: AbortSignal
  log: (line: string) => void
}): Promise<Verdaccio> {
  const { path, built } = await cachedFolder(`verdaccio-${version}`, async (folder) => {
    log(`verdaccio: installing ${version}`)
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest))
    await writeFile(join(folder, 'start.js'), program)
    const args = ['install', '--silent', '--ignore-scripts', '--no-audit', '--no-fund']
    await run('npm', args, { signal, cwd: folder, deadlineMs: 300_000 })
  })
  log(`verdaccio: ${path} (${built ? 'made' : 'cached'})`)
  const folder = await mkdtemp(join(tmpdir(), 'mcm-verdaccio-'))
  const config = join(folder, 'config.yaml')
  await writeFile(config, JSON.stringify(settings(folder)))
  const child = fork(join(path, 'start.js'), [config], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  const [port] = (await Promise.race([
    once(child, 'message', { signal }),
    ended.then(([code]) => {
      throw new Error(`verdaccio ended with ${code} before it listened`)
    }),
  ])) as [number]
  const address = `127.0.0.1:${port}`
  return {
    url: `http://${address}`,
    npmrc: (...scopes) =>
      [
        ...scopes.map((scope) => `${scope}:registry=http://${address}`),
        // It takes packages from everybody, but npm does not send any without a token.
        `//${address}/:_authToken=anybody\n`,
      ].join('\n'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
      await rm(folder, { recursive: true })
    },
  }
}

const version = '6.8.0'

// One of its dependencies is a tag that not every registry has.
const manifest = {
  private: true,
  type: 'module',
  dependencies: { verdaccio: version },
  overrides: { 'node-fetch': '2.7.0' },
}

const program = `
import { runServer } from 'verdaccio'

const server = await runServer(process.argv[2])
server.listen(0, '127.0.0.1', () => process.send(server.address().port))
// Ends with the test, however that ends.
process.once('disconnect', () => process.exit())
`

// JSON is YAML.
const settings = (folder: string) => ({
  storage: join(folder, 'storage'),
  auth: { htpasswd: { file: join(folder, 'htpasswd'), max_users: -1 } },
  packages: { '**': { access: '$all', publish: '$all' } },
  log: { type: 'stdout', level: 'warn' },
})
