import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inlineRouter } from '../../host/src/testing/inline-host.ts'
import plugin from '../../plugins/gcp/src/index.ts'
import { differences } from './compare.ts'
import { gcpComparison } from './gcp-compare.ts'
import { gcpDifferences } from './gcp-differences.ts'
import { extraReply } from './gcp-extra-replies.ts'
import { gcpProtocol } from './gcp-protocol.ts'
import { play } from './play.ts'
import { type GcpRequest, type RecordedCase, readCases } from './recorded-case.ts'
import { ReplayServer } from './replay-server.ts'
import { judge } from './verdict.ts'

/** All recorded conversations of the Go provider. */
export const gcpCases = readCases<GcpRequest>('gcp')

/** A server that replays conversations, and the GCP plugin that has them. */
export async function gcpWorld() {
  const server = await ReplayServer.start(gcpProtocol)
  const folder = await mkdtemp(join(tmpdir(), 'mcm-recorded-gcp-'))
  const tokenFile = join(folder, 'token')
  await writeFile(tokenFile, 'subject-token')
  const settings = {
    CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE: `${server.url}/compute/v1/`,
    CLOUDSDK_AUTH_TOKEN_HOST: `${server.url}/token`,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_STS: server.url,
    CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS: server.url,
    MCM_GCP_TOKEN_FILE: tokenFile,
  }
  Object.assign(process.env, settings)
  return {
    /** Plays a case and judges it. It gets a host of its own: circuits and clients of one must not change another. */
    async judge(recorded: RecordedCase<GcpRequest>) {
      server.replay(recorded, extraReply(recorded))
      const { driver, supervisors } = inlineRouter([plugin])
      try {
        const lines = differences(recorded, await play(driver, withKey(recorded), server), gcpComparison)
        return judge(recorded.id, lines, gcpDifferences)
      } finally {
        await Promise.all(supervisors.map((supervisor) => supervisor.close(0)))
      }
    },
    async [Symbol.asyncDispose]() {
      for (const name of Object.keys(settings)) delete process.env[name]
      await server.close()
      await rm(folder, { recursive: true })
    },
  }
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: recordings have such a placeholder
const testKey = '${testPrivateKey}'
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

/**
 * The recording was made without tokens, and most of its service accounts have no key to get one with. Ours needs one,
 * and gets a token from the server.
 */
function withKey(recorded: RecordedCase<GcpRequest>): RecordedCase<GcpRequest> {
  const { secret } = recorded.input
  if (!secret) return recorded
  const data = Object.entries(secret.data).map(([name, text]): [string, string] => {
    const bare = /^(\s*\{"type": ?"service_account", ?"project_id": ?"[^"]*")\}(\s*)$/.exec(text)
    if (!bare) return [name, text.replace(testKey, () => JSON.stringify(key).slice(1, -1))]
    return [name, `${bare[1]},"client_email":"m@p","private_key":${JSON.stringify(key)}}${bare[2]}`]
  })
  return { ...recorded, input: { ...recorded.input, secret: { ...secret, data: Object.fromEntries(data) } } }
}
