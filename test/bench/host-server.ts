import { compose, tokens } from '../../host/src/composition.ts'
import { readConfig } from '../../host/src/config/config.ts'
import { CrashBudget } from '../../host/src/runtime/crash-budget.ts'
import { PluginSupervisor } from '../../host/src/runtime/plugin-supervisor.ts'
import { ChildProcessRunner } from '../../host/src/runtime/runners/child-process-runner.ts'
import { InlineRunner } from '../../host/src/runtime/runners/inline-runner.ts'

// The host, with the runner that the arguments name: <socket> inline|process <program of the child> <plugin...>

const [, , socket = '', runner, program, ...plugins] = process.argv
const config = await readConfig(undefined, {
  listen: [`unix://${socket}`],
  plugins,
  pluginDirs: [],
  log: { level: process.env.MCM_BENCH_LOG ?? 'silent' },
})
const container = await compose(config)
const run =
  runner === 'inline' ? new InlineRunner() : new ChildProcessRunner({ sandbox: true, memoryMiB: 512 }, program)
const log = container.resolve(tokens.log)
container.register(tokens.supervise, {
  // Without a crash budget, which would soon end what a bad plugin does to others.
  useValue: (plugin) =>
    new PluginSupervisor(plugin, { runner: run, limits: config.supervision, log, budget: forgetful() }),
})
const host = container.resolve(tokens.host)
await host.start()
process.send?.('ready')
process.on('disconnect', () => void host.stop().finally(() => process.exit(0)))

/** A crash budget for which the last crash is always long ago. */
function forgetful(): CrashBudget {
  let now = 0
  return new CrashBudget(() => {
    now += 3_600_000
    return now
  })
}
