import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const source = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// Unit tests run on the sources, with no build before them; only tests that start a program need one.
export default defineConfig({
  resolve: {
    alias: [
      {
        find: /^@mcm\/sdk\/(contract|client|conformance|go|schema|testing)$/,
        replacement: source('./sdk/src/$1/index.ts'),
      },
      { find: /^@mcm\/sdk$/, replacement: source('./sdk/src/index.ts') },
    ],
  },
  test: {
    include: ['{sdk,sdk/create,host,plugins/*}/src/**/*.test.ts', 'test/**/*.test.ts'],
    // Levels with needs of their own: npm run test:vm, test:clients, test:install, test:author, test:runtime, test:cloud.
    exclude: ['**/node_modules/**', 'test/{vm,clients,install,author,runtime,cloud}/**'],
    // Only against tests that hang: machines are shared and noisy, and no test is about time.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
