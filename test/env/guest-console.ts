import { watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname } from 'node:path'

/** How the lines begin that the test guest prints, in their order. They are written by guest/init.sh. */
export const guestMarkers = {
  kernelUp: 'mcm-guest: kernel up',
  uuid: 'mcm-guest: uuid',
  network: 'mcm-guest: network',
  seedFound: 'mcm-guest: seed found',
  noSeed: 'mcm-guest: seed none',
  instance: 'mcm-guest: instance',
  userDataBegin: 'mcm-guest: user-data begin',
  userDataEnd: 'mcm-guest: user-data end',
  ready: 'mcm-guest: ready',
  powerButton: 'mcm-guest: power button',
} as const

/** The lines of a console log as they are written, from its beginning. The file need not exist yet; its folder must. */
export async function* consoleLines(path: string, signal: AbortSignal): AsyncGenerator<string> {
  let wake = () => {}
  // Before the first read, so that nothing written between a read and the wait is missed.
  const watcher = watch(dirname(path), (_event, name) => {
    if (name === basename(path)) wake()
  })
  const stop = () => wake()
  signal.addEventListener('abort', stop)
  try {
    let offset = 0
    let rest = ''
    while (true) {
      signal.throwIfAborted()
      const written = new Promise<void>((resolve) => {
        wake = resolve
      })
      const text = await readFrom(path, offset)
      offset += text.length
      const lines = (rest + text.toString('latin1')).split('\n')
      rest = lines.pop() ?? ''
      // The console's bytes are cut anywhere; only whole lines are decoded.
      for (const line of lines) yield Buffer.from(line, 'latin1').toString('utf8').replaceAll('\r', '')
      if (text.length === 0) await written
    }
  } finally {
    watcher.close()
    signal.removeEventListener('abort', stop)
  }
}

/** The console's lines up to and with the first that begins with `marker`. */
export async function consoleUntil(path: string, marker: string, signal: AbortSignal): Promise<string[]> {
  const seen: string[] = []
  try {
    for await (const line of consoleLines(path, signal)) {
      seen.push(line)
      if (line.startsWith(marker)) return seen
    }
  } catch (error) {
    throw new Error(`no line "${marker}…" on the console ${path}; its end:\n${seen.slice(-15).join('\n')}`, {
      cause: error,
    })
  }
  return seen
}

async function readFrom(path: string, offset: number): Promise<Buffer> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, offset)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}
