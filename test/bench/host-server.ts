import { compose, tokens } from '../../host/src/composition.ts'
import { readConfig } from '../../host/src/config/config.ts'
import { ChildProcessRunner } from '../../host/src/runtime/child-process-runner.ts'
import { InlineRunner } from '../../host/src/runtime/inline-runner.ts'

// The host, with the runner that the arguments name: <socket> inline | <socket> process <program of the child> <plugin>

const [, , socket = '', runner, plugin = '', program] = process.argv
const config = await readConfig(undefined, {
  listen: [`unix://${socket}`],
  plugins: [plugin],
  pluginDirs: [],
  log: { level: 'silent' },
})
const container = await compose(config)
container.register(tokens.runner, {
  useValue:
    runner === 'inline' ? new InlineRunner() : new ChildProcessRunner({ sandbox: true, memoryMiB: 512 }, program),
})
const host = container.resolve(tokens.host)
await host.start()
process.send?.('ready')
process.on('disconnect', () => void host.stop().finally(() => process.exit(0)))
