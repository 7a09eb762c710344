import { contractVersion } from '@mcm/sdk'
import { satisfies, validRange } from 'semver'
import { hostVersion } from '../version.ts'
import { type Permissions, permissionKinds, wrongPermission } from './permissions.ts'

/** What a plugin's package.json says under `mcm`. */
export interface PluginManifest {
  /** Major version of the driver contract. */
  contract: number
  /** Range of host versions that it was made for, for example `>=0.1.0 <1.0.0`. */
  host: string
  /** Provider names that it answers to; the first is its own, the others are aliases. */
  providers: string[]
  /** What it asks to be allowed. */
  permissions?: Permissions
}

/** What the host reads of a package.json. */
export interface PackageJson {
  name: string
  version: string
  description?: string
  mcm: unknown
}

/** A plugin's manifest, or everything that is wrong with it. */
export type ManifestResult = { manifest: PluginManifest } | { reasons: string[] }

/** Checks the manifest of a package. Finds all that is wrong at once. */
export function readManifest({ mcm }: PackageJson): ManifestResult {
  if (!isObject(mcm)) return { reasons: ['"mcm" must be an object'] }
  const { contract, host, providers, permissions = {}, ...unknown } = mcm
  const reasons: string[] = Object.keys(unknown).map((key) => `"mcm.${key}" is not known`)
  if (contract !== contractVersion) {
    reasons.push(
      typeof contract === 'number'
        ? `it needs contract ${contract}, this host speaks ${contractVersion}`
        : '"mcm.contract" must be a number',
    )
  }
  // A bare wildcard promises something that no author can keep.
  if (typeof host !== 'string' || !validRange(host) || validRange(host) === '*') {
    reasons.push('"mcm.host" must be a range of host versions, such as ">=0.1.0 <1.0.0"')
  } else if (!satisfies(hostVersion, host, { includePrerelease: true })) {
    reasons.push(`it was made for host ${host}, this is ${hostVersion}`)
  }
  if (!isTexts(providers) || providers.length === 0) {
    reasons.push('"mcm.providers" must be a list of at least one provider name')
  } else {
    reasons.push(
      ...providers
        .filter((name) => !providerName.test(name))
        .map(
          (name) =>
            `provider name ${JSON.stringify(name)} must be 1 to 63 of A-Z, a-z, 0-9, "-", "_", ".", and begin with a letter or digit`,
        ),
    )
  }
  if (!isObject(permissions)) reasons.push('"mcm.permissions" must be an object')
  else {
    for (const [key, value] of Object.entries(permissions)) {
      if (!permissionKinds.some((kind) => kind === key)) reasons.push(`"mcm.permissions.${key}" is not known`)
      else if (!isTexts(value)) reasons.push(`"mcm.permissions.${key}" must be a list of texts`)
      else {
        const wrong = value.flatMap((text) => wrongPermission(key, text) ?? [])
        reasons.push(...wrong.map((what) => `"mcm.permissions.${key}" ${what}`))
      }
    }
  }
  // Just checked, part by part.
  return reasons.length > 0 ? { reasons } : { manifest: { ...mcm } as unknown as PluginManifest }
}

// It becomes part of file names and of health service names.
const providerName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
