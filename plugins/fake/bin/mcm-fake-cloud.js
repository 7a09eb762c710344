#!/usr/bin/env node
// Plain JavaScript, so that npm can link it before anything is built.
await import('../dist/cli/mcm-fake-cloud.js')
