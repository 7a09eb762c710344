import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { run } from '../env/run.ts'
import { FakeEc2 } from '../fake-ec2/server.ts'
import { ensureMoto, Moto } from './testing/moto.ts'
import { motoAccount } from './testing/moto-account.ts'

const options = {
  signal: AbortSignal.timeout(600_000),
  confirm: async () => true,
  log: (line: string) => console.log(line),
}
const script = fileURLToPath(new URL('./referee.py', import.meta.url))

/** What boto3, a client that we did not write, is answered. */
async function answers(url: string, ...account: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await run(await ensureMoto(options), [script, url, ...account], { signal: options.signal })
  return JSON.parse(stdout)
}

it('the fake EC2 answers boto3 as moto does', async () => {
  await using moto = await Moto.start(options)
  const { ami, subnet, group } = await motoAccount(moto.url)
  await using fake = await FakeEc2.start()
  const ours = await answers(fake.url, 'ami-0123456789abcdef0', 'subnet-0123456789abcdef0', 'sg-0123456789abcdef0')
  const theirs = await answers(moto.url, ami, subnet, group)
  expect(Object.keys(ours)).toHaveLength(20)
  expect(ours).toEqual(theirs)
})
