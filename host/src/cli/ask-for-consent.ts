import { createInterface } from 'node:readline/promises'
import { InstallError } from '../install/install-error.ts'
import { type Consent, refuseConsent } from '../install/permissions.ts'

/** Shows on a terminal what plugins ask for, and asks; where there is no terminal, refuses with what is needed. */
export function askForConsent(
  signal: AbortSignal,
  { input, output }: { input: NodeJS.ReadStream; output: NodeJS.WriteStream } = {
    input: process.stdin,
    output: process.stderr,
  },
): Consent {
  return async (requests) => {
    if (!input.isTTY || !output.isTTY) return await refuseConsent(requests)
    for (const { name, version, permissions, fresh } of requests) {
      output.write(`${name} ${version} asks for:\n`)
      for (const permission of permissions) {
        output.write(`  ${permission}${fresh.includes(permission) ? '' : '  (granted before)'}\n`)
      }
    }
    const terminal = createInterface({ input, output })
    // Ctrl-C and Ctrl-D are a no; the question itself would wait for ever.
    const ended = new Promise<string>((resolve) => {
      terminal.once('SIGINT', () => resolve(''))
      terminal.once('close', () => resolve(''))
    })
    try {
      const answer = await Promise.race([terminal.question('Grant this? [y/N] ', { signal }), ended])
      if (/^y(es)?$/i.test(answer.trim())) return
    } finally {
      terminal.close()
    }
    throw new InstallError('the permissions were not granted; nothing was changed')
  }
}
