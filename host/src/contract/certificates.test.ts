import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { makeAuthority } from '../../../test/contract/testing/certificates.ts'
import { memoryLog } from '../testing/inline-host.ts'
import { Certificates, type TlsFiles } from './certificates.ts'

const authority = makeAuthority('authority')
let folder: string
let files: TlsFiles
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcm-certificates-'))
  files = { cert: join(folder, 'cert'), key: join(folder, 'key'), clientCa: join(folder, 'ca') }
  const { cert, key } = authority.issue('first')
  await writeFile(files.cert, cert)
  await writeFile(files.key, key)
  await writeFile(files.clientCa, authority.cert)
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

const nameOf = (pem: unknown) => new X509Certificate(String(pem)).subject

describe('certificates', () => {
  it('serve what the files hold, to both kinds of server', async () => {
    const certificates = await Certificates.read(files, memoryLog().log)
    expect(nameOf(certificates.secureContext.cert)).toBe('CN=first')
    expect(certificates.secureContext.minVersion).toBe('TLSv1.2')
    const identity = new Promise<unknown>((resolve) =>
      certificates.addIdentityCertificateListener((update) => resolve(update?.certificate)),
    )
    const ca = new Promise<unknown>((resolve) =>
      certificates.addCaCertificateListener((update) => resolve(update?.caCertificate)),
    )
    expect([nameOf(await identity), nameOf(await ca)]).toEqual(['CN=first', 'CN=authority'])
    certificates.close()
  })

  it.each([
    ['that are missing', 'key', undefined, /^TLS: cannot read .*\/key: ENOENT/],
    [
      'that do not fit together',
      'key',
      authority.issue('other').key,
      /^TLS: .*\/cert, .*\/key and .*\/ca do not fit together: /,
    ],
    ['that are none', 'cert', 'not a certificate', /^TLS: .* do not fit together: /],
  ] as const)('%s are refused with the name of the file', async (_, name, content, problem) => {
    if (content === undefined) await rm(files[name])
    else await writeFile(files[name], content)
    await expect(Certificates.read(files, memoryLog().log)).rejects.toThrow(problem)
  })
})
