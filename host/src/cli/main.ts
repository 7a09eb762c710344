import { MachineError } from '@mcm/sdk'
import { Command } from 'commander'
import { ConfigError } from '../config/config.ts'
import { InstallError } from '../install/install-error.ts'
import { hostVersion } from '../version.ts'
import { CliError } from './cli-error.ts'
import { addDevCommand } from './dev.ts'
import { addMachineCommands } from './machine.ts'
import { addPluginCommands } from './plugin.ts'
import { addServeCommand } from './serve.ts'
import { addValidateCommand } from './validate.ts'

const program = new Command('mcm')
  .description('the multi-provider machine host')
  .version(hostVersion)
  .showHelpAfterError('(mcm --help shows what there is)')

addServeCommand(program)
addDevCommand(program)
addMachineCommands(program)
addValidateCommand(program)
addPluginCommands(program)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CliError || error instanceof ConfigError || error instanceof InstallError)
    console.error(error.message)
  else if (MachineError.is(error)) console.error(`${error.code}: ${error.message}`)
  // Not foreseen: the stack is what helps.
  else console.error(error)
  process.exitCode = error instanceof CliError ? error.exitCode : 1
}
