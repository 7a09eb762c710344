import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

// npm run test:author: what the tutorial says, outside of the repository, with packages from a registry. A level of its
// own, since it installs that registry, and all that a host needs, from npm.
export default defineConfig({
  ...(base.resolve ? { resolve: base.resolve } : {}),
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: { include: ['test/author/*.test.ts'], hookTimeout: 600_000, testTimeout: 300_000, bail: 1 },
})
