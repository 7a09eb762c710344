import type { Violation } from '@mcm/sdk'
import type { ProviderSpec } from './provider-spec.ts'
import { ConnectFailed, parseUri } from './rpc/index.ts'

/** What the schema cannot say. */
export function checkSpec(spec: ProviderSpec): Violation[] {
  return [...checkUri(spec), ...checkImageUrl(spec), ...checkForwards(spec)]
}

function checkUri({ uri }: ProviderSpec): Violation[] {
  try {
    parseUri(uri)
    return []
  } catch (error) {
    if (!(error instanceof ConnectFailed)) throw error
    return [{ path: 'providerSpec.uri', message: error.message }]
  }
}

function checkImageUrl({ image }: ProviderSpec): Violation[] {
  if (!('url' in image)) return []
  const violation = (message: string) => [{ path: 'providerSpec.image.url', message }]
  if (!URL.canParse(image.url)) return violation('is not a URL')
  const { username, password } = new URL(image.url)
  // A class is no place for them, and errors show URLs.
  return username !== '' || password !== '' ? violation('must not hold a user name or a password') : []
}

function checkForwards({ networks, machineType }: ProviderSpec): Violation[] {
  const violations: Violation[] = []
  const taken = new Set<number>()
  for (const [n, network] of networks.entries()) {
    for (const [f, { hostPort }] of ((network.type === 'user' && network.forwards) || []).entries()) {
      const path = `providerSpec.networks[${n}].forwards[${f}]`
      if (taken.has(hostPort)) violations.push({ path: `${path}.hostPort`, message: `${hostPort} is forwarded twice` })
      taken.add(hostPort)
      // libvirt knows no forwards, so the card is placed on a bus by us, and other types have no such bus.
      if (!/^(pc-)?q35/.test(machineType)) violations.push({ path, message: 'needs machineType q35' })
    }
  }
  return violations
}
