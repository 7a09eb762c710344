#!/usr/bin/env node
// The program's entry. Plain JavaScript, so that npm can link it before anything is built, and says a clear word where
// the rest cannot run.
import { existsSync } from 'node:fs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const main = new URL('../dist/main.js', import.meta.url)
// The sandbox of plugins is made of Node's permission model, as it is since then.
if (major < 26 || (major === 26 && minor < 6)) {
  console.error(`mcm needs Node 26.6 or newer, this is ${process.versions.node} (${process.execPath})`)
  process.exit(1)
}
if (!existsSync(main)) {
  console.error('mcm is not built yet; run "npm run build" first')
  process.exit(1)
}
await import(main.href)
