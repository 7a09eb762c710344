import { readFile } from 'node:fs/promises'
import { type ConnectedDriver, connectDriver } from '@mcm/sdk/client'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { checkDefaultEndpoint, defaultEndpoint } from '../config/default-endpoint.ts'
import { CliError } from './cli-error.ts'
import { type OutputFormat, outputFormats } from './output.ts'

/** What commands that call a host have in common. */
export interface ClientOptions {
  endpoint: string
  tlsCa?: string
  tlsCert?: string
  tlsKey?: string
  timeout: number
  output: OutputFormat
}

/** Adds the options of {@link ClientOptions} to a command. */
export function withClientOptions(command: Command, timeout = 1200): Command {
  return command
    .addOption(
      new Option('--endpoint <address>', 'the host to call: unix:///path or host:port')
        .env('MCM_ENDPOINT')
        .default(defaultEndpoint()),
    )
    .option('--tls-ca <file>', "who signed the host's certificate (PEM); switches TLS on")
    .option('--tls-cert <file>', 'own certificate (PEM)')
    .option('--tls-key <file>', 'own key (PEM)')
    .option('--timeout <seconds>', 'how long each call may take', seconds, timeout)
    .addOption(new Option('-o, --output <format>', 'how to print').choices(outputFormats).default('table'))
}

/** Connects to the host that the options name. */
export async function connect({ endpoint, tlsCa, tlsCert, tlsKey }: ClientOptions): Promise<ConnectedDriver> {
  if (!/^unix:(\/\/)?\/.|^[^/]+:\d+$/.test(endpoint))
    throw new CliError(`${JSON.stringify(endpoint)} is no address of a host; use unix:///path or host:port`)
  try {
    checkDefaultEndpoint(endpoint)
  } catch (error) {
    throw new CliError((error as Error).message)
  }
  if (!tlsCa) {
    if (tlsCert || tlsKey) throw new CliError('--tls-cert and --tls-key need --tls-ca')
    return connectDriver(endpoint)
  }
  if (!tlsCert !== !tlsKey) throw new CliError('--tls-cert and --tls-key go together')
  const identity = tlsCert && tlsKey ? { cert: await read(tlsCert), key: await read(tlsKey) } : {}
  const tls = { ca: await read(tlsCa), ...identity }
  try {
    return connectDriver(endpoint, { tls })
  } catch (error) {
    const files = [tlsCa, tlsCert, tlsKey].filter(Boolean).join(', ')
    throw new CliError(`${files}: not usable for TLS, or not for each other: ${(error as Error).message}`)
  }
}

/** The deadline of a call that starts now. */
export function deadline({ timeout }: ClientOptions): { deadlineMs: number } {
  return { deadlineMs: Date.now() + timeout * 1000 }
}

async function read(file: string): Promise<Buffer> {
  return await readFile(file).catch((error: Error) => {
    throw new CliError(`cannot read ${file}: ${error.message}`)
  })
}

function seconds(text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new InvalidArgumentError('must be a number of seconds above 0')
  return value
}
