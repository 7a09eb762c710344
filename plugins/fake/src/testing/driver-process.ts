// A process of its own that runs one createMachine, as a plugin's process does: `<endpoint> <machine name>`.
import { loadPlugin } from '@mcm/sdk/testing'
import plugin from '../index.ts'
import { ofMachine, specWith } from './requests.ts'

const [endpoint = '', name = ''] = process.argv.slice(2)
await using driver = loadPlugin(plugin)
const vm = await driver.call('createMachine', ofMachine(specWith({ endpoint }), name))
process.stdout.write(`${vm.providerID}\n`)
