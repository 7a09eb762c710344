import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

// npm run test:cloud: plugins against servers that stand in for clouds. They need Python, which the tests' set-up installs.
export default defineConfig({
  ...(base.resolve ? { resolve: base.resolve } : {}),
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/cloud/**/*.test.ts'],
    globalSetup: ['test/cloud/global-setup.ts'],
    hookTimeout: 600_000,
    testTimeout: 180_000,
  },
})
