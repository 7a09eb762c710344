import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './run.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Packs packages of this repository and installs them into an empty folder, as somebody would who has them from a
 * registry: what is not in a package is not there.
 *
 * @returns The folder of the installation.
 */
export async function installLikeAStranger(
  packages: readonly string[],
  into: string,
  { signal, update }: { signal: AbortSignal; update: (text: string) => void },
): Promise<string> {
  const tarballs = join(into, 'tarballs')
  const folder = join(into, 'install')
  await mkdir(tarballs, { recursive: true })
  await mkdir(folder)
  update(`packing ${packages.join(', ')}`)
  await run('npm', ['pack', '--silent', '--pack-destination', tarballs, ...packages.map((name) => `./${name}`)], {
    signal,
    cwd: root,
    env: npmEnv,
  })
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n')
  const files = (await readdir(tarballs)).map((name) => join(tarballs, name))
  update('npm install')
  const install = ['install', '--silent', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  await run('npm', [...install, ...files], { signal, cwd: folder, deadlineMs: 300_000, env: npmEnv })
  return folder
}

// npm hands its own settings to the scripts it runs; those of this repository are not the stranger's.
const npmEnv = {
  npm_config_workspaces: '',
  npm_config_workspace: '',
  PATH: (process.env.PATH ?? '')
    .split(':')
    .filter((folder) => !folder.startsWith(dirname(root)) || !folder.includes('node_modules'))
    .join(':'),
}
