import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'

// Just enough of X.509 to make certificates for a test: Node can read them, not make them, and tests need no program
// but Node.

/** A certificate and its key, PEM. */
export interface Identity {
  cert: string
  key: string
}

/** Who signs certificates. */
export interface Authority {
  cert: string
  /** Makes a certificate, good for servers and clients. Default of the hosts: localhost; 127.0.0.1 in any case. */
  issue(name: string, hosts?: readonly string[]): Identity
}

export function makeAuthority(name: string): Authority {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const isAuthority = extension([2, 5, 29, 19], true, sequence(der(0x01, Buffer.from([0xff]))))
  const cert = certificate({ subject: name, issuer: name, publicKey, signer: privateKey, extensions: [isAuthority] })
  return {
    cert,
    issue(subject, hosts = ['localhost']) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const names = sequence(
        der(0x87, Buffer.from([127, 0, 0, 1])),
        ...hosts.map((host) => der(0x82, Buffer.from(host))),
      )
      const extensions = [extension([2, 5, 29, 17], false, names)]
      return {
        cert: certificate({ subject, issuer: name, publicKey: own.publicKey, signer: privateKey, extensions }),
        key: own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      }
    },
  }
}

function certificate(parts: {
  subject: string
  issuer: string
  publicKey: KeyObject
  signer: KeyObject
  extensions: Buffer[]
}): string {
  const ecdsaWithSha256 = sequence(objectId([1, 2, 840, 10045, 4, 3, 2]))
  const day = 24 * 3600_000
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    commonName(parts.issuer),
    sequence(time(Date.now() - day), time(Date.now() + day)),
    commonName(parts.subject),
    parts.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...parts.extensions)),
  )
  const signature = sign('sha256', body, parts.signer)
  const all = sequence(body, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.from([0]), signature])))
  const lines = all.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

const sequence = (...items: Buffer[]) => der(0x30, Buffer.concat(items))
const integer = (bytes: Buffer) => der(0x02, bytes)

function objectId([first = 0, second = 0, ...rest]: number[]): Buffer {
  const bytes = rest.flatMap((number) => {
    const digits = [number & 0x7f]
    for (let left = number >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
    return digits
  })
  return der(0x06, Buffer.from([first * 40 + second, ...bytes]))
}

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(objectId([2, 5, 4, 3]), der(0x0c, Buffer.from(name)))))
}

function time(ms: number): Buffer {
  return der(0x18, Buffer.from(`${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`))
}

function extension(id: number[], isCritical: boolean, value: Buffer): Buffer {
  const critical = isCritical ? [der(0x01, Buffer.from([0xff]))] : []
  return sequence(objectId(id), ...critical, der(0x04, value))
}
