import { hash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { changePlugins } from '../../../host/src/install/change-plugins.ts'
import { PluginFolder, packageIn } from '../../../host/src/install/plugin-folder.ts'
import { finishTree } from '../../../host/src/install/stage-plugin.ts'
import { fixture } from '../../contract/testing/built-program.ts'

/** What is wrong with a version of the plugin `recording`. */
export type Flaw = 'crashes at load' | 'says garbage' | 'other contract' | 'fails often'

/** A plugin folder with one version of the plugin `recording`. */
export interface InstalledVersion extends AsyncDisposable {
  folder: string
  /** Installs another version, as `mcm plugin update` does once npm has brought it. @returns Where the package lies. */
  install(version: string, flaw?: Flaw): Promise<string>
}

export async function installVersion(first: string): Promise<InstalledVersion> {
  const path = await mkdtemp(join(tmpdir(), 'mcm-versions-'))
  const folder = new PluginFolder(path)
  const install = async (version: string, flaw?: Flaw) => {
    const context = {
      folder,
      policy: { requireIntegrity: false },
      consent: async () => {},
      signal: AbortSignal.timeout(60_000),
    }
    const [change] = await changePlugins(context, async ({ newFolder }) => {
      const tree = await newFolder()
      await cp(fixture('recording'), packageIn(tree, name), { recursive: true })
      const file = join(packageIn(tree, name), 'package.json')
      await writeFile(file, JSON.stringify({ ...JSON.parse(await readFile(file, 'utf8')), version, flaw }))
      const { digest } = await finishTree(tree)
      const integrity = `sha512-${hash('sha512', digest, 'base64')}`
      const origin = { spec: `file:${name}.tgz`, source: 'tarball', signature: 'none', provenance: 'none' } as const
      return [{ name, tree, notes: [], entry: { ...origin, version, integrity, tree: digest, packages: {} } }]
    })
    if (!change?.after) throw new Error('one plugin was changed')
    return packageIn(folder.tree({ name, ...change.after }), name)
  }
  await install(first)
  return {
    folder: path,
    install,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const name = '@mcm-fixture/recording'
