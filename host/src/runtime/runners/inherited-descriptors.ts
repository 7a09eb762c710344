import { readdirSync, readFileSync } from 'node:fs'

/**
 * Descriptors of this process that a child gets without being given them: whoever started the host has left them open, such
 * as a shell's lock file. Node marks its own so that they stay. Known on Linux only.
 */
export function inheritedDescriptors(): number[] {
  try {
    return readdirSync('/proc/self/fdinfo')
      .map(Number)
      .filter((fd) => fd > lastGiven && isInheritable(fd))
  } catch {
    return []
  }
}

function isInheritable(fd: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1]
    return flags !== undefined && (Number.parseInt(flags, 8) & closeOnExec) === 0
  } catch {
    // It was the one with which the list was read.
    return false
  }
}

// 0 to 2 and the channel, which is 3, are replaced by the child's own.
const lastGiven = 3
// O_CLOEXEC of Linux; Node has no name for it.
const closeOnExec = 0o2000000
