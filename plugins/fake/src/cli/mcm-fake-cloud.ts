import { controlCloud } from '../cloud/index.ts'
import { runCommand } from './commands.ts'
import { readArguments } from './read-arguments.ts'

try {
  const command = readArguments(process.argv.slice(2))
  if (command.name === 'help') process.stdout.write(command.text)
  else {
    const cloud = await controlCloud(command.endpoint)
    try {
      process.stdout.write(await runCommand(cloud, command))
    } finally {
      cloud.close()
    }
  }
} catch (error) {
  process.stderr.write(`mcm-fake-cloud: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
