import { randomBytes } from 'node:crypto'
import type { ConformanceCase } from '../case.ts'
import type { CaseRun } from '../case-run.ts'
import { check, expectError, fail, outcomeOf } from '../check.ts'
import { faultKinds } from '../hooks.ts'
import { secretTexts } from '../journal.ts'

/** The Secret: what is missing is said, what is in it is not. */
export const secretCases: ConformanceCase[] = [
  {
    id: 'secret-key-missing',
    title: 'A missing Secret key is named',
    requirement:
      'Without a key that it needs, or with an empty one, the driver answers InvalidArgument or Unauthenticated, naming the key.',
    source: 'driver contract, CreateMachine: InvalidArgument, the Secret is wrong',
    advice: 'Declare the key as required, or check it before you log in.',
    tags: ['secrets', 'create'],
    profile: 'core',
    needs: ['requiredSecretKeys'],
    async run(run) {
      for (const key of run.requiredSecretKeys) {
        for (const value of [null, new Uint8Array()]) {
          const when = `CreateMachine with ${value ? 'an empty' : 'no'} Secret key ${key}`
          const request = run.request({ secretData: { [key]: value } })
          const error = await expectError(run.driver.createMachine(request), credentialCodes, when)
          check(
            error.message.includes(key) || error.violations.some(({ path }) => path.endsWith(`.${key}`)),
            `${when}: the error does not name the key: ${error.message}`,
          )
          await run.expectVms(request, 0, 'after that')
        }
      }
    },
  },
  {
    id: 'secret-malformed',
    title: 'A malformed Secret value is an error of the credentials',
    requirement:
      'With bytes that can be no credential every method answers InvalidArgument, Unauthenticated or PermissionDenied. ListMachines never answers an empty list then.',
    source: 'driver contract, table of codes: Unauthenticated, PermissionDenied, InvalidArgument',
    advice: "Map the cloud's answer to wrong credentials, and check their form.",
    tags: ['secrets', 'create', 'list'],
    profile: 'core',
    needs: ['requiredSecretKeys'],
    async run(run) {
      const secretData = Object.fromEntries(run.requiredSecretKeys.map((key) => [key, malformed]))
      const codes = [...credentialCodes, 'PermissionDenied'] as const
      const request = run.request({ secretData })
      await expectError(run.driver.createMachine(request), codes, 'CreateMachine with malformed credentials')
      await expectError(run.driver.deleteMachine(request), codes, 'DeleteMachine with them')
      if (run.has('getMachineStatus'))
        await expectError(run.driver.getMachineStatus(request), codes, 'GetMachineStatus with them')
      if (run.has('listMachines')) {
        const listed = run.driver.listMachines(run.classRequest(undefined, secretData))
        await expectError(listed, codes, 'ListMachines with them')
      }
    },
  },
  {
    id: 'secrets-stay-secret',
    title: 'Values of the Secret are nowhere to be seen',
    requirement: 'No value of the Secret, user data included, stands in an answer, an error or a log line.',
    source: 'driver contract, MachineError: never holds a secret; upstream: never log secrets or user data',
    advice: "Do not repeat the cloud's answer to a login, nor a request, in an error or in the log.",
    tags: ['secrets', 'user-data'],
    profile: 'core',
    async run(run) {
      const linesBefore = run.target.logLines?.().length ?? 0
      const marker = randomBytes(12).toString('hex')
      const sent = new Set(secretTexts(run.setup.main.secret))
      const userData = Buffer.from(`#cloud-config\n# conformance-${marker}\n`)
      sent.add(`conformance-${marker}`).add(userData.toString('base64'))
      await provoke(run, userData)
      for (const key of run.requiredSecretKeys) {
        const wrong = Buffer.from(`wrong-${key}-${marker}`)
        sent.add(wrong.toString()).add(wrong.toString('base64'))
        await outcomeOf(run.driver.createMachine(run.request({ secretData: { [key]: wrong } })))
      }
      const isIn = (text: string) => [...sent].some((secret) => text.includes(secret))
      for (const answer of run.journal.answers)
        if (isIn(answer)) fail(`an answer holds a value of the Secret: ${answer}`)
      const lines = run.target.logLines?.().slice(linesBefore) ?? []
      for (const line of lines) if (isIn(line)) fail(`a log line holds a value of the Secret: ${line}`)
    },
  },
]

const credentialCodes = ['InvalidArgument', 'Unauthenticated'] as const
// No UTF-8, no printable text.
const malformed = Uint8Array.from([0xff, 0xfe, 0x00, 0x80, 0x01, 0xc3, 0x28, 0x0a])

/** All kinds of answers, good and bad, with secrets that would show. */
async function provoke(run: CaseRun, userData: Uint8Array): Promise<void> {
  const request = run.request({ secretData: { userData } })
  await outcomeOf(run.driver.createMachine(request))
  if (run.has('getMachineStatus')) {
    await outcomeOf(run.driver.getMachineStatus(request))
    await outcomeOf(run.driver.getMachineStatus(run.request({ secretData: { userData } })))
  }
  if (run.has('listMachines')) await outcomeOf(run.driver.listMachines(run.classRequest(undefined, { userData })))
  const broken = { ...request.machineClass, providerSpec: {} }
  await outcomeOf(run.driver.createMachine({ ...run.request({ secretData: { userData } }), machineClass: broken }))
  for (const kind of faultKinds.filter((one) => one !== 'hang' && run.has(`fault:${one}`))) {
    const failing = run.request({ secretData: { userData } })
    const fault = { kind, method: 'createMachine', machine: failing.machine.metadata.name } as const
    await run.during(fault, async () => void (await outcomeOf(run.driver.createMachine(failing))))
    await run.onceFree(() => run.driver.createMachine(failing))
  }
  await outcomeOf(run.driver.deleteMachine(request))
}
