// A process of its own that runs one createMachine, as a plugin's process does: `<endpoint> <machine name>`.
import { createMachine } from '../driver/create-machine.ts'
import { callContext, machineCall, specWith } from './call.ts'

const [endpoint = '', name = ''] = process.argv.slice(2)
const context = callContext(AbortSignal.timeout(30_000))
const vm = await createMachine(machineCall(specWith({ endpoint }), name), context)
await context.close()
process.stdout.write(`${vm.providerID}\n`)
