import type { Machine } from '@mcm/sdk'
import { type DriverMethod, methodName } from '@mcm/sdk/contract'
import { hostError } from '../host-error.ts'

/**
 * Lets one changing call at a time run per machine.
 *
 * No two changing calls can race: taking the locks is synchronous, and a lock is given back when the *plugin* has
 * ended the call, not when its caller has gone away.
 */
export class MachineLocks {
  readonly #running = new Map<string, { method: DriverMethod; since: number }>()

  /**
   * Takes the locks of a machine. Throws `Aborted` when a changing call runs already.
   *
   * @param providers All names of its provider, since one of them may have moved to another package whose calls still
   *   run.
   * @returns Gives the locks back.
   */
  take(providers: readonly string[], machine: Machine, method: DriverMethod): () => void {
    const keys = providers.flatMap((provider) => lockKeys(provider, machine))
    for (const key of keys) {
      const running = this.#running.get(key)
      if (!running) continue
      const seconds = Math.round((Date.now() - running.since) / 1000)
      const what = `${methodName(running.method)} of machine ${displayName(machine)}`
      throw hostError('MACHINE_BUSY', `${what} is running since ${seconds} s; ${methodName(method)} has to wait for it`)
    }
    for (const key of keys) this.#running.set(key, { method, since: Date.now() })
    return () => {
      for (const key of keys) this.#running.delete(key)
    }
  }
}

/** How a machine is called in texts. */
export function displayName({ metadata, spec }: Machine): string {
  if (metadata.name === '') return spec.providerID ?? '(without a name)'
  return metadata.namespace === '' ? metadata.name : `${metadata.namespace}/${metadata.name}`
}

/** A machine is known by its name and, in the clean-up of orphans, sometimes only by its VM: so both are locked. */
function lockKeys(provider: string, { metadata, spec }: Machine): string[] {
  const keys: string[] = []
  if (metadata.name !== '') keys.push(JSON.stringify([provider, metadata.namespace, metadata.name]))
  if (spec.providerID) keys.push(JSON.stringify([provider, spec.providerID]))
  return keys
}
