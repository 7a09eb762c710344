import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

// npm run test:clients: clients that this project did not write. They need Python, which the test's set-up installs.
export default defineConfig({
  ...(base.resolve ? { resolve: base.resolve } : {}),
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: { include: ['test/clients/*.test.ts'], hookTimeout: 600_000, testTimeout: 60_000 },
})
