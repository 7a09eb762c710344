import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { makeAuthority } from '../../contract/testing/certificates.ts'

/** A way to the internet at whose end a server of the tests stands in for a cloud, behind the cloud's own names. */
export interface StandIn extends AsyncDisposable {
  /** What a host has in its environment where a proxy leads out, and signs what passes. */
  env: Record<string, string>
  /** `host:port` of all that was asked for. */
  targets: Set<string>
}

/** @param certificate A file that is written: the certificate of whoever vouches for this cloud. */
export async function startStandIn(behind: string, names: string[], certificate: string): Promise<StandIn> {
  const authority = makeAuthority('authority of a proxy')
  await writeFile(certificate, authority.cert)
  const secure = createTlsServer(authority.issue('stand-in', names), (socket) => {
    const server = connect(Number(new URL(behind).port), '127.0.0.1')
    for (const end of [socket, server]) end.on('error', () => [socket, server].map((one) => one.destroy()))
    socket.pipe(server).pipe(socket)
  })
  const targets = new Set<string>()
  const tunnels = new Set<{ destroy(): void }>()
  const proxy = createServer().on('connect', (request, socket) => {
    targets.add(request.url ?? '')
    tunnels.add(socket.on('error', () => socket.destroy()))
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    secure.emit('connection', socket)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  // It listens on a port.
  const { port } = proxy.address() as AddressInfo
  return {
    env: { HTTPS_PROXY: `http://127.0.0.1:${port}`, NODE_EXTRA_CA_CERTS: certificate },
    targets,
    async [Symbol.asyncDispose]() {
      for (const tunnel of tunnels) tunnel.destroy()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
