import { isIP } from 'node:net'

/** Where a server listens. */
export type ListenAddress =
  | { kind: 'unix'; path: string }
  /** `host` without brackets; port 0 lets the system choose. */
  | { kind: 'tcp'; host: string; port: number }

/** Reads `unix:///path`, `host:port`, `[::1]:port` or `:port` (all interfaces). Throws with what is allowed. */
export function parseListenAddress(text: string): ListenAddress {
  const path = /^unix:(?:\/\/)?(\/[^/].*)$/.exec(text)?.[1]
  if (path !== undefined) {
    if (Buffer.byteLength(path) > maxSocketPathBytes) {
      throw new Error(
        `${text}: a socket's path may have ${maxSocketPathBytes} bytes, this has ${Buffer.byteLength(path)}`,
      )
    }
    return { kind: 'unix', path }
  }
  const [, bracketed, plain = bracketed, digits] = /^(?:\[([^\]]+)\]|([^:[\]/]*)):(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (plain === undefined || !(port <= 65535)) {
    throw new Error(`${JSON.stringify(text)} is no address to listen on; use unix:///path, host:port or [::1]:port`)
  }
  return { kind: 'tcp', host: plain === '' ? '::' : plain, port }
}

/** The address as users write it. */
export function formatListenAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** Whether only programs on this machine can reach an address. */
export function isLoopback(address: ListenAddress): boolean {
  if (address.kind === 'unix') return true
  const { host } = address
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

// Linux allows 108 with the closing zero; other systems less.
const maxSocketPathBytes = 103
