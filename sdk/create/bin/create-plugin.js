#!/usr/bin/env node
// Plain JavaScript, so that npm can link it before anything is built.
const { main } = await import('../dist/main.js')
process.exitCode = await main(process.argv.slice(2))
