import { createHash } from 'node:crypto'

/**
 * A UUID that depends only on the given parts (version 5, RFC 9562), so that a VM's identity can be computed again
 * after a crash: same cluster and machine, same UUID.
 *
 * @example
 * deterministicUuid('shoot--prod', 'default', 'worker-1')
 */
export function deterministicUuid(...parts: string[]): string {
  // The length before each part keeps ('a', 'bc') and ('ab', 'c') apart.
  const name = parts.map((part) => `${Buffer.byteLength(part)}:${part}`).join('')
  const hash = createHash('sha1').update(uuidNamespace).update(name).digest().subarray(0, 16)
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Whether a text is a DNS label (RFC 1123): 1 to 63 of `a-z`, `0-9`, `-`, no `-` at either end. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text)
}

/** Whether a text is a DNS subdomain (RFC 1123), the form of Kubernetes object names: labels joined by `.`, at most 253 in all. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && text.split('.').every(isDnsLabel)
}

/**
 * A providerID in upstream's convention, `<scheme>://<scope>/<id>`. Slashes and other characters that a URL path
 * cannot hold are escaped in each part.
 *
 * @example
 * providerID('libvirt', '', uuid) // 'libvirt:///3f0c…'
 */
export function providerID(scheme: string, ...path: [string, ...string[]]): string {
  return `${scheme}://${path.map((part) => encodeURIComponent(part.toWellFormed())).join('/')}`
}

/** The last segment of a providerID, which is what the cluster-autoscaler compares. `''` when there is none. */
export function idOfProviderID(id: string): string {
  const segment = id.slice(id.lastIndexOf('/') + 1)
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

// Of no meaning but that it is ours; changing it would change the identity of every VM.
const uuidNamespace = Buffer.from('7d0bb5e1f5b64c1c9bb3c1f7a0d3c2a4', 'hex')
