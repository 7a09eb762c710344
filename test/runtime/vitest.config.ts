import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

// npm run test:runtime: plugins that crash, hang, fill memory and flood, and upgrades under load. A level of its own, since
// limits take their seconds to be reached.
export default defineConfig({
  ...(base.resolve ? { resolve: base.resolve } : {}),
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: { include: ['test/runtime/*.test.ts'], hookTimeout: 120_000, testTimeout: 120_000 },
})
