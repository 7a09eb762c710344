import { type Permissions, permissionKinds } from '../plugins/permissions.ts'
import { InstallError } from './install-error.ts'

/** Permissions as sorted `kind:value` texts. */
export function permissionTexts(permissions: Permissions = {}): string[] {
  const all = permissionKinds.flatMap((kind) => (permissions[kind] ?? []).map((value) => `${kind}:${value}`))
  return [...new Set(all)].sort()
}

/** What is asked for beyond what was granted. Compared exactly: what a pattern means is the business of who enforces it. */
export function beyondGranted(asked: readonly string[], granted: readonly string[]): string[] {
  return asked.filter((permission) => !granted.includes(permission))
}

/** A plugin that asks for permissions. */
export interface ConsentRequest {
  name: string
  version: string
  /** All that it asks for. */
  permissions: string[]
  /** What it asks for beyond what was granted before. */
  fresh: string[]
}

/** Asks whoever installs. Throws unless everything is granted. */
export type Consent = (requests: readonly ConsentRequest[]) => Promise<void>

/** Consent for scripts: everything, or exactly what is named. */
export function consentFrom(options: { yes?: boolean; allow?: readonly string[] }, otherwise: Consent): Consent {
  return async (requests) => {
    if (options.yes) return
    const left = requests
      .map((request) => ({ ...request, fresh: beyondGranted(request.fresh, options.allow ?? []) }))
      .filter(({ fresh }) => fresh.length > 0)
    if (left.length > 0) await otherwise(left)
  }
}

/** Consent where nobody can be asked: refused, with all that is needed to grant it. */
export const refuseConsent: Consent = async (requests) => {
  const lines = requests.map(({ name, version, fresh }) => {
    return `${name} ${version} asks for permissions that nobody granted:\n  ${fresh.join('\n  ')}`
  })
  const flags = [...new Set(requests.flatMap(({ fresh }) => fresh))].map((text) => `--allow ${quote(text)}`)
  throw new InstallError(`${lines.join('\n')}\nnothing was changed; grant them with --yes, or with ${flags.join(' ')}`)
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
