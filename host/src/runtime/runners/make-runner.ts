import type { Log } from '../../log.ts'
import type { Runner } from '../runner.ts'
import { ChildProcessRunner, type Isolation } from './child-process-runner.ts'
import { InlineRunner } from './inline-runner.ts'
import { WorkerThreadRunner } from './worker-thread-runner.ts'

/** Makes the runner that the configuration names. Says aloud what it does not protect from. */
export function makeRunner(isolation: Isolation & { runner: 'process' | 'thread' | 'inline' }, log: Log): Runner {
  const { runner, sandbox } = isolation
  const warn = (text: string) => log.warn({ isolation }, text)
  switch (runner) {
    case 'process':
      if (!sandbox) warn('the sandbox is off: plugins may do all that this user may; use this to develop plugins only')
      return new ChildProcessRunner(isolation)
    case 'thread':
      warn(
        'plugins run in threads of the host: they can read its memory and its files; use this for your own plugins only',
      )
      return new WorkerThreadRunner(isolation)
    case 'inline':
      warn('plugins run inside the host, which nothing protects from them; use this to debug only')
      return new InlineRunner()
    default:
      return runner satisfies never
  }
}
