import Config from '@npmcli/config'
import settings from '@npmcli/config/lib/definitions/index.js'
import fetch from 'npm-registry-fetch'
import { codeOf, InstallError, messageOf } from './install-error.ts'
import { maskSecrets } from './mask-secrets.ts'
import type { Npm } from './npm.ts'

/** The registry that npm would ask for a package, with the logins, proxies and certificates that npm would use. */
export interface Registry {
  /** Gets a JSON text. @returns `undefined` where the registry has no such thing, or npm is told to stay offline. */
  get(path: string): Promise<unknown>
  /** Where npm keeps what it knows of sigstore's root of trust. */
  tufCache: string
}

/** Reads npm's configuration as npm does, but for the settings of the project in which mcm was started. */
export async function openRegistry(
  name: string,
  { npm, cwd, signal }: { npm: Npm; cwd: string; signal: AbortSignal },
): Promise<Registry> {
  const argv = [process.execPath, 'npm']
  const config = new Config({ ...settings, npmPath: npm.folder, env: npm.env, argv, cwd, warn: false })
  await config.load()
  return {
    tufCache: String(config.flat.tufCache),
    async get(path) {
      try {
        return await fetch.json(path, { ...config.flat, spec: name, signal })
      } catch (error) {
        signal.throwIfAborted()
        if (absent.includes(codeOf(error))) return undefined
        throw new InstallError(`the registry of ${name} does not answer: ${maskSecrets(messageOf(error))}`)
      }
    },
  }
}

// Registries differ in how they say that they do not know a path. The last one is npm's for what is not in its cache.
const absent: unknown[] = ['E400', 'E404', 'E405', 'E501', 'ENOTCACHED']
