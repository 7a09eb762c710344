import { closeSync, openSync, readFileSync } from 'node:fs'
import type { PluginPackage } from '../../../host/src/plugins/plugin-package.ts'
import { ChildProcessRunner } from '../../../host/src/runtime/runners/child-process-runner.ts'

// A program: starts a plugin with no descriptor left, then with one, with two, until it starts. Prints how each start ended,
// and the arguments of the process of the last. Arguments: the plugin's folder, and the plugin-side program.

const [folder = '', program = ''] = process.argv.slice(2)
const plugin: PluginPackage = {
  name: 'p',
  version: '1.0.0',
  description: '',
  folder,
  entry: `${folder}/none.js`,
  manifest: { contract: 1, host: '>=0.1.0', providers: ['P'] },
}
// Port 0 stands for any that is free; one that is not given back would make it 1.
const runner = new ChildProcessRunner({ sandbox: true, memoryMiB: 512, inspectPort: 0 }, program)
const causes: string[] = []
let args: string | undefined
for (let free = 0; args === undefined; free++) {
  const taken = takeAll()
  for (const descriptor of taken.splice(0, free)) closeSync(descriptor)
  const { promise: ended, resolve } = Promise.withResolvers<string>()
  const running = runner.start(plugin, { message() {}, output() {}, ended: ({ cause }) => resolve(cause) })
  for (const descriptor of taken) closeSync(descriptor)
  if (running.pid === undefined) causes.push(await ended)
  else args = readFileSync(`/proc/${running.pid}/cmdline`, 'latin1')
  await running.stop(0)
}
console.log(JSON.stringify({ causes, args: args.split('\0') }))

function takeAll(): number[] {
  const taken: number[] = []
  try {
    for (;;) taken.push(openSync('/dev/null', 'r'))
  } catch {
    return taken
  }
}
