import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import base from '../../vitest.config.ts'

// The real-VM level: `vitest run --config test/vm/vitest.config.ts`. Only the aliases are shared with the unit tests;
// merging the two would also merge their exclude, which leaves out this very folder.
export default defineConfig({
  ...(base.resolve ? { resolve: base.resolve } : {}),
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/vm/**/*.test.ts'],
    globalSetup: ['test/vm/global-setup.ts'],
    // An emulated machine takes a whole core; two files at once would only make each other late.
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    teardownTimeout: 60_000,
  },
})
