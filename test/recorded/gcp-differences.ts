import type { KnownDifference } from './verdict.ts'

/** How `@mcm/plugin-gcp` differs from the Go provider. The reference lists them. */
export const gcpDifferences: readonly KnownDifference[] = []
