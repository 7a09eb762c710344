import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

// npm run test:install: plugins installed with the real npm from a registry, folders and tarballs. A level of its own,
// since npm takes its seconds.
export default defineConfig({
  ...(base.resolve ? { resolve: base.resolve } : {}),
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: { include: ['test/install/*.test.ts'], hookTimeout: 300_000, testTimeout: 120_000 },
})
