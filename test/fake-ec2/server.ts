import { FakeServer, type Received, type Served } from '../fake-cloud/fake-server.ts'
import { type Fault, FaultPlan } from '../fake-cloud/fault-plan.ts'
import { FakeAccount } from './account.ts'
import { operations } from './operations.ts'
import { QueryError } from './query-error.ts'
import { escapeXml, readInput, renderOutput } from './query-model.ts'

/** What goes wrong at EC2. The machine of a request is the tag Name of its instance. */
export interface Ec2Fault extends Fault {
  /** Answers with this error, and does nothing. */
  error?: { code: string; status: number; message?: string }
}

/** One request that came in. */
export interface JournalEntry {
  action: string
  params: Record<string, string>
  accessKeyId: string
}

/**
 * A strict fake of EC2's query API and of STS, in memory. It refuses what the SDK's own model does not know, has one
 * account, and goes wrong as planned.
 */
export class FakeEc2 implements AsyncDisposable {
  readonly account = new FakeAccount()
  readonly faults = new FaultPlan<Ec2Fault>()
  /** All requests, in order. */
  readonly journal: JournalEntry[] = []
  #server: FakeServer | undefined
  #requests = 0

  static async start(): Promise<FakeEc2> {
    const fake = new FakeEc2()
    fake.#server = await FakeServer.start((received) => fake.#serve(received))
    return fake
  }

  get url(): string {
    return this.#server?.url ?? ''
  }

  /** The actions of all requests, in order. */
  get actions(): string[] {
    return this.journal.map(({ action }) => action)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
  }

  #serve({ headers, body }: Received): Served {
    const form = new URLSearchParams(body)
    const { Action: action = '', Version: version = '', ...params } = Object.fromEntries(form)
    const [, accessKeyId = '', region = ''] =
      /Credential=([^/]*)\/\d+\/([^/]*)\//.exec(headers.authorization ?? '') ?? []
    this.journal.push({ action, params, accessKeyId })
    const about = { machine: this.#machineOf(params), isLaterPage: params.NextToken !== undefined }
    const fault = this.faults.take(action, about)
    const requestId = `00000000-0000-4000-8000-${String(++this.#requests).padStart(12, '0')}`
    const answer = () => {
      const { status, body } = this.#answer(action, version, params, { accessKeyId, region, requestId }, fault)
      return { status, contentType: 'text/xml;charset=UTF-8', body }
    }
    return { fault, answer }
  }

  /** The machine that a request is about, by the tag Name that it sets, looks for, or that its instance has. */
  #machineOf(params: Record<string, string>): string | undefined {
    if (params['Filter.1.Name'] === 'tag:Name') return params['Filter.1.Value.1']
    const key = Object.keys(params).find((name) => name.startsWith('TagSpecification.1.') && params[name] === 'Name')
    if (key !== undefined) return params[key.replace(/Key$/, 'Value')]
    const id = params['InstanceId.1']
    const { NetworkInterfaceId } = params
    const instance = this.account.instances.find((candidate) => {
      return candidate.id === id || candidate.nics.some((nic) => nic.NetworkInterfaceId === NetworkInterfaceId)
    })
    return instance?.tags.find(({ Key }) => Key === 'Name')?.Value
  }

  #answer(
    action: string,
    version: string,
    params: Record<string, string>,
    { accessKeyId, region, requestId }: { accessKeyId: string; region: string; requestId: string },
    fault: Ec2Fault | undefined,
  ): { status: number; body: string } {
    const operation = operations.get(action)
    const isSts = operation?.version === '2011-06-15'
    try {
      if (fault?.error) throw new QueryError(fault.error.code, fault.error.message ?? 'injected', fault.error.status)
      if (!operation || operation.version !== version) {
        throw new QueryError('InvalidAction', `The action ${action} is not valid for this web service`)
      }
      if (!isSts && accessKeyId === '') {
        throw new QueryError('MissingAuthenticationToken', 'Request must contain a signature', 403)
      }
      // Read by the model of the very operation.
      const input = readInput(operation.input, params) as never
      const output = renderOutput(operation.output, { ...operation.run(this.account, input, region) })
      return { status: 200, body: isSts ? stsAnswer(action, output, requestId) : ec2Answer(action, output, requestId) }
    } catch (error) {
      if (!(error instanceof QueryError)) throw error
      return { status: error.status, body: errorBody(error, requestId, isSts) }
    }
  }
}

function ec2Answer(action: string, output: string, requestId: string): string {
  const tag = `${action}Response`
  return `<${tag} xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>${requestId}</requestId>${output}</${tag}>`
}

function stsAnswer(action: string, output: string, requestId: string): string {
  const metadata = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`
  return `<${action}Response><${action}Result>${output}</${action}Result>${metadata}</${action}Response>`
}

function errorBody({ code, message }: QueryError, requestId: string, isSts: boolean): string {
  const error = `<Error><Code>${escapeXml(code)}</Code><Message>${escapeXml(message)}</Message></Error>`
  return isSts
    ? `<ErrorResponse>${error}<RequestId>${requestId}</RequestId></ErrorResponse>`
    : `<Response><Errors>${error}</Errors><RequestID>${requestId}</RequestID></Response>`
}
