#!/usr/bin/env node
// The program's entry. Says a clear word on a Node that is too old, before anything that such a Node cannot load.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(`mcm needs Node 22.18 or newer, this is ${process.versions.node} (${process.execPath})`)
  process.exit(1)
}
await import('./main.ts')

export {}
