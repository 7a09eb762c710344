import { type Command, Option } from 'commander'
import { readConfig } from '../config/config.ts'
import { logFormats, logLevels } from '../log.ts'
import { withLocalOptions } from './local-host.ts'
import { runHost } from './run-host.ts'

/** `mcm serve`: runs the host until it is told to stop. */
export function addServeCommand(program: Command): void {
  const collect = (value: string, previous: string[] = []) => [...previous, value]
  withLocalOptions(program.command('serve'))
    .description('run the host')
    .option('--listen <address>', 'serve gRPC on unix:///path or host:port (repeatable)', collect)
    .option('--http <address>', 'serve HTTP with JSON, and gRPC-Web, on host:port (repeatable)', collect)
    .option(
      '--probes <address>',
      'serve /healthz, /readyz and /metrics alone, without TLS, on host:port (repeatable)',
      collect,
    )
    .option('--tls-cert <file>', 'certificate for TCP addresses (PEM; read again when it changes)')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--tls-client-ca <file>', 'who signs the certificates of clients (PEM)')
    .option('--insecure', 'serve TCP on loopback without TLS')
    .option('--lint', 'warn about what authors of plugins should not do')
    .addOption(new Option('--log-level <level>', 'what to log').choices(logLevels))
    .addOption(new Option('--log-format <format>', 'how to log').choices(logFormats))
    .action(async (options: ServeOptions) => await serve(options))
}

interface ServeOptions {
  config?: string
  plugin?: string[]
  pluginDir?: string[]
  listen?: string[]
  http?: string[]
  probes?: string[]
  tlsCert?: string
  tlsKey?: string
  tlsClientCa?: string
  insecure?: boolean
  lint?: boolean
  logLevel?: string
  logFormat?: string
}

async function serve(options: ServeOptions): Promise<void> {
  const { tlsCert: cert, tlsKey: key, tlsClientCa: clientCa } = options
  const config = await readConfig(options.config, {
    listen: options.listen,
    http: { listen: options.http, probes: options.probes },
    ...((cert || key || clientCa) && { tls: { cert, key, clientCa } }),
    insecure: options.insecure,
    lint: options.lint,
    plugins: options.plugin,
    pluginDirs: options.pluginDir,
    log: { level: options.logLevel, format: options.logFormat },
  })
  const { compose, tokens } = await import('../composition.ts')
  const host = (await compose(config)).resolve(tokens.host)
  await runHost(host, config.tls ? 'https' : 'http')
}
