import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { checkout } from './built-program.ts'

/**
 * The checkout at a path that every user can read, for tests that run programs as somebody else. A checkout below a folder
 * that is private gets a second path, by a mount, which takes root.
 */
export function openCheckout(): { path: string; close(): void } {
  if (isOpen(checkout)) return { path: checkout, close: () => {} }
  // A folder of its own that is never removed with its content: that would be the checkout's. Read-only for the same reason.
  const path = mkdtempSync(join(tmpdir(), 'mcm-checkout-'))
  execFileSync('mount', ['-o', 'bind,ro', checkout, path])
  const close = () => {
    execFileSync('umount', [path])
    rmdirSync(path)
  }
  return { path, close }
}

function isOpen(path: string): boolean {
  for (let folder = path; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) return false
    if (folder === dirname(folder)) return true
  }
}
