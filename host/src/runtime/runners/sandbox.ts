import { realpathSync } from 'node:fs'
import { readFilePermission } from '../../plugins/file-permission.ts'
import { type Permissions, permissionsOf } from '../../plugins/permissions.ts'
import type { PluginPackage } from '../../plugins/plugin-package.ts'
import { packagesOf } from './packages-of.ts'

/**
 * The flags with which Node keeps a plugin to what its manifest asks for and the operator grants. Everything that is not allowed here is denied:
 * files, sockets, programs, native addons, threads, WASI, foreign functions, and the debugger.
 */
export function sandboxFlags(plugin: PluginPackage, own: { program: string; scratch: string }): string[] {
  const { files = [], ...permissions } = permissionsOf(plugin)
  const granted = files.flatMap((text) => readFilePermission(text) ?? [])
  const readable = [own.program, own.scratch, ...packagesOf(plugin.folder), ...granted.map(({ path }) => path)]
  const writable = [own.scratch, ...granted.filter(({ canWrite }) => canWrite).map(({ path }) => path)]
  return [
    '--permission',
    ...readable.flatMap(withContent).map((path) => `--allow-fs-read=${path}`),
    ...writable.flatMap(withContent).map((path) => `--allow-fs-write=${path}`),
    ...switches.filter(({ kinds }) => kinds.some((kind) => permissions[kind]?.length)).map(({ flag }) => flag),
    // For the thread that ends the process with its host. The plugin-side program gives this up before it loads the plugin.
    '--allow-worker',
    // Node warns at each start of such flags, and that the one for the network is new. They are what the operator granted.
    '--disable-warning=SecurityWarning',
    '--disable-warning=ExperimentalWarning',
    // Otherwise the plugin could open a debugger on itself by a signal, on a TCP port, whatever it may do else.
    '--disable-sigusr1',
    // SQLite opens files by itself, and the model does not see it. So only who may read and write all files has it.
    ...(granted.some(({ path, canWrite }) => path === '*' && canWrite) ? [] : ['--no-experimental-sqlite']),
  ]
}

// Node allows each of these wholly or not at all.
const switches: readonly { flag: string; kinds: readonly Exclude<keyof Permissions, 'files'>[] }[] = [
  { flag: '--allow-net', kinds: ['net', 'unixSockets'] },
  { flag: '--allow-child-process', kinds: ['programs'] },
  { flag: '--allow-addons', kinds: ['addons'] },
]

/** A path as it is and as it really is, each with what is in it if it is a folder: Node compares texts. */
function withContent(path: string): string[] {
  if (path === '*') return [path]
  return [...new Set([path, realPath(path)])].flatMap((one) => [one, `${one}/*`])
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // It may come to be later.
    return path
  }
}
