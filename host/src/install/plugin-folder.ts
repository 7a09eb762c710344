import { homedir, userInfo } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

/**
 * Where plugins are installed when nobody says otherwise: a folder of the user, or of the machine for root. The host
 * looks there too.
 */
export function defaultPluginFolder(env: NodeJS.ProcessEnv = process.env, { uid } = userInfo()): string {
  const data = env.XDG_DATA_HOME
  // The XDG rules: a relative path is no setting.
  if (data && isAbsolute(data)) return join(data, 'mcm', 'plugins')
  return uid === 0 ? '/var/lib/mcm/plugins' : join(homedir(), '.local', 'share', 'mcm', 'plugins')
}

/**
 * The places in a plugin folder.
 *
 * Each plugin has a tree of its own, with its dependencies, so that a change of one plugin cannot change what another
 * one loads. The lock file says which trees count: replacing that one file is what makes a change happen.
 */
export class PluginFolder {
  readonly path: string

  constructor(path: string) {
    this.path = resolve(path)
  }

  get lockFile(): string {
    return join(this.path, lockFileName)
  }

  /** The trees. */
  get packages(): string {
    return join(this.path, 'packages')
  }

  /** Changes in the making. On the same file system as the trees, so that a rename puts them in place. */
  get staging(): string {
    return join(this.path, 'staging')
  }

  /** The tree of a plugin. Its name follows from its content. */
  tree({ name, version, tree }: { name: string; version: string; tree: string }): string {
    return join(this.packages, treeName(name, version, tree))
  }

  /** Folders in which Node would look for a module that a tree lacks. Nobody vouches for them. */
  get foreignModules(): string[] {
    return [join(this.path, 'node_modules'), join(this.packages, 'node_modules')]
  }
}

export const lockFileName = 'mcm-plugins.lock.json'

/** The folder of a plugin's own package in its tree. */
export function packageIn(tree: string, name: string): string {
  return join(tree, 'node_modules', name)
}

/** The name of a tree's folder. */
export function treeName(name: string, version: string, tree: string): string {
  return `${name.replace('/', '+')}@${version}-${tree.replace('sha256-', '').slice(0, 16)}`
}
