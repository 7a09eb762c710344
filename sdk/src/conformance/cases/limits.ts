import { createHash, randomBytes } from 'node:crypto'
import type { MachineRequest } from '../../model/driver.ts'
import type { ConformanceCase } from '../case.ts'
import type { CaseRun } from '../case-run.ts'
import { check, expectError, expectSame, outcomeOf } from '../check.ts'
import { expectIdentity, identityOf } from './create.ts'

/** User data and names at their limits. */
export const limitCases: ConformanceCase[] = [
  {
    id: 'user-data-large',
    title: 'Large user data are taken, or refused by name',
    requirement:
      'User data of 64 KiB are taken. A cloud that takes less makes the driver answer InvalidArgument naming userData, and nothing is made.',
    source: 'driver contract, Secret; MachineCodes: InvalidArgument',
    advice: "Check the size against the cloud's limit.",
    tags: ['user-data', 'create'],
    profile: 'core',
    async run(run) {
      const userData = Buffer.alloc(64 * 1024, '# conformance\n')
      const request = run.request({ secretData: { userData } })
      const outcome = await outcomeOf(run.driver.createMachine(request))
      if (outcome.kind === 'answer')
        return await run.expectVms(request, 1, 'after CreateMachine with 64 KiB of user data')
      const { code, message } = outcome.error
      check(
        run.setup.limits.userDataBytes < userData.length,
        `64 KiB of user data are refused (${code}: ${message}); limits.userDataBytes says that they are not`,
      )
      check(
        code === 'InvalidArgument' && /user-?data/i.test(message),
        `expected InvalidArgument naming userData, got ${code}: ${message}`,
      )
      await run.expectVms(request, 0, 'after CreateMachine with user data that are too large')
    },
  },
  {
    id: 'user-data-odd-bytes',
    title: 'User data may be any bytes',
    requirement:
      'User data need not be text: all byte values, invalid UTF-8 and line ends of all kinds are taken. A driver that declares `userData: text` takes all characters and line ends, and answers InvalidArgument naming userData to what is no UTF-8; nothing is made then.',
    source: 'driver contract, Secret.data: bytes; MachineCodes: InvalidArgument',
    advice: 'Keep them as bytes all the way. Where the cloud takes text only, check that they are text.',
    tags: ['user-data', 'create'],
    profile: 'core',
    async run(run) {
      const request = (userData: Uint8Array) => run.request({ secretData: { userData } })
      if (run.setup.declares.userData === 'bytes') {
        await run.driver.createMachine(request(oddBytes(1024)))
        return
      }
      await run.driver.createMachine(request(oddText(1024)))
      await expectRefused(run, request(oddBytes(1024)), 'with user data that are no UTF-8')
    },
  },
  {
    id: 'user-data-smallest',
    title: 'The smallest user data',
    requirement:
      'Empty user data are taken, as a cloud without any would have it. A driver that declares `userDataMinBytes` takes so many bytes, and answers InvalidArgument naming userData to fewer; nothing is made then.',
    source: 'driver contract, Secret.data: bytes; MachineCodes: InvalidArgument',
    advice: 'Distinguish a missing key from an empty value.',
    tags: ['user-data', 'create'],
    profile: 'core',
    async run(run) {
      const { userDataMinBytes } = run.setup.declares
      const smallest = run.request({ secretData: { userData: Buffer.alloc(userDataMinBytes, '#') } })
      await run.driver.createMachine(smallest)
      await run.expectVms(smallest, 1, `after CreateMachine with ${userDataMinBytes} bytes of user data`)
      if (userDataMinBytes === 0) return
      const smaller = run.request({ secretData: { userData: Buffer.alloc(userDataMinBytes - 1, '#') } })
      await expectRefused(run, smaller, `with ${userDataMinBytes - 1} bytes of user data`)
    },
  },
  {
    id: 'user-data-exact',
    title: 'User data arrive as they were',
    requirement: 'The cloud gets the bytes of userData, no more, no fewer, no others.',
    source: 'driver contract, Secret.data: bytes',
    advice: 'Keep them as bytes all the way, and do not trim them.',
    tags: ['user-data', 'create'],
    profile: 'full',
    needs: ['hooks.userDataSha256'],
    async run(run) {
      for (const bytes of [Math.min(run.setup.limits.userDataBytes, 64 * 1024), 1024]) {
        const userData = run.setup.declares.userData === 'text' ? oddText(bytes) : oddBytes(bytes)
        const request = run.request({ secretData: { userData } })
        await run.driver.createMachine(request)
        const found = await run.hooks.userDataSha256?.(request.machine.metadata.name)
        const expected = createHash('sha256').update(userData).digest('hex')
        expectSame(found?.trim().toLowerCase(), expected, `SHA-256 of ${bytes} bytes of user data at the cloud`)
      }
    },
  },
  {
    id: 'name-63-characters',
    title: 'Machine names of 63 characters',
    requirement:
      'Machine names of 63 characters work, and two that differ in the last character only are two machines.',
    source: 'Kubernetes, names of objects; driver contract, Machine',
    advice: 'Keep the name whole, in a tag if the name of a VM must be shorter.',
    tags: ['names', 'create'],
    profile: 'core',
    async run(run) {
      const stem = run.name('-').padEnd(62, 'x')
      const [a, b] = [run.request({ name: `${stem}a` }), run.request({ name: `${stem}b` })]
      const [vmA, vmB] = [await run.driver.createMachine(a), await run.driver.createMachine(b)]
      check(vmA.providerID !== vmB.providerID, 'both have the same VM')
      check(vmA.nodeName !== vmB.nodeName, 'both have the same node name')
      if (run.has('getMachineStatus'))
        expectIdentity(await run.status(b), identityOf(vmB), 'GetMachineStatus of the second')
      await run.remove(a)
      await run.expectVms(a, 0, 'after DeleteMachine of the first')
      await run.expectVms(b, 1, 'after DeleteMachine of the first')
    },
  },
  {
    id: 'name-unicode',
    title: 'Machine names that are no DNS names',
    requirement:
      'CreateMachine of a name with letters that no host name can have works wholly or answers InvalidArgument; nothing else.',
    source: 'driver contract, CreateMachine: InvalidArgument, the machine name is wrong',
    advice: 'Check the name with isDnsSubdomain() of the SDK.',
    tags: ['names', 'create'],
    profile: 'core',
    async run(run) {
      const request = run.request({ name: `${run.name()}-ünï-名前` })
      const outcome = await outcomeOf(run.driver.createMachine(request))
      if (outcome.kind === 'answer') return await run.expectVms(request, 1, 'after CreateMachine of a Unicode name')
      const { code, message } = outcome.error
      check(code === 'InvalidArgument', `expected OK or InvalidArgument, got ${code}: ${message}`)
      await run.expectVms(request, 0, 'after a refused CreateMachine')
    },
  },
]

/** Refused as InvalidArgument, by the name of the key, and nothing is made. */
async function expectRefused(run: CaseRun, request: MachineRequest, how: string): Promise<void> {
  const when = `CreateMachine ${how}`
  const { message, violations } = await expectError(run.driver.createMachine(request), ['InvalidArgument'], when)
  const isNamed = [message, ...violations.map(({ path }) => path)].some((text) => /user-?data/i.test(text))
  check(isNamed, `the error does not name userData: ${message}`)
  await run.expectVms(request, 0, `after ${when}`)
}

/** Text that is easily changed on its way: characters of all lengths, blanks and line ends, also at both ends. */
function oddText(length: number): Uint8Array {
  const [head, tail] = [Buffer.from(' \n#!/bin/sh\r\n\t"\\<&>\u0001é€😀\u2028'), Buffer.from('\u00a0 \n\n')]
  const middle = Buffer.from(
    randomBytes(length)
      .toString('base64')
      .slice(0, length - head.length - tail.length),
  )
  return Uint8Array.from(Buffer.concat([head, middle, tail]))
}

/** Bytes that break what takes them for text. */
function oddBytes(length: number): Uint8Array {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i)
  const [head, tail] = [Buffer.from(' \n#!/bin/sh\r\n\t'), Buffer.from('\0 \n\n')]
  const middle = randomBytes(length - head.length - all.length - tail.length)
  return Uint8Array.from(Buffer.concat([head, all, middle, tail]))
}
