import { inlineRouter } from '../../host/src/testing/inline-host.ts'
import plugin from '../../plugins/aws/src/index.ts'
import { awsComparison } from './aws-compare.ts'
import { awsDifferences } from './aws-differences.ts'
import { extraReply } from './aws-extra-replies.ts'
import { awsProtocol } from './aws-protocol.ts'
import { differences } from './compare.ts'
import { play } from './play.ts'
import { type AwsRequest, type RecordedCase, readCases } from './recorded-case.ts'
import { ReplayServer } from './replay-server.ts'
import { judge } from './verdict.ts'

/** All recorded conversations of the Go provider. */
export const awsCases = readCases<AwsRequest>('aws')

/** A server that replays conversations, and the AWS plugin that has them. */
export async function awsWorld() {
  const server = await ReplayServer.start(awsProtocol)
  const endpoints = ['AWS_ENDPOINT_URL_EC2', 'AWS_ENDPOINT_URL_STS']
  for (const name of endpoints) process.env[name] = server.url
  const base = awsCases.find(({ id }) => id === 'create-base')
  if (!base) throw new Error('there is no case create-base')
  return {
    /** Plays a case and judges it. It gets a host of its own: circuits and clients of one must not change another. */
    async judge(recorded: RecordedCase) {
      server.replay(recorded, extraReply(recorded, base))
      const { driver, supervisors } = inlineRouter([plugin])
      try {
        const lines = differences(recorded, await play(driver, recorded, server), awsComparison)
        return judge(recorded.id, lines, awsDifferences)
      } finally {
        await Promise.all(supervisors.map((supervisor) => supervisor.close(0)))
      }
    },
    async [Symbol.asyncDispose]() {
      for (const name of endpoints) delete process.env[name]
      await server.close()
    },
  }
}
