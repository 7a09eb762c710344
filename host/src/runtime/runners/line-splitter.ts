import type { Readable } from 'node:stream'

/**
 * Reads a stream line by line. A line is cut after `maxLength` characters, and no more of it is kept, so that a program
 * that prints without end and without a line break costs no memory.
 */
export function onLines(stream: Readable, maxLength: number, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    const [first = '', ...more] = chunk.split('\n')
    rest += first.slice(0, maxLength - rest.length)
    for (const next of more) {
      onLine(rest)
      rest = next.slice(0, maxLength)
    }
  })
  stream.once('end', () => {
    if (rest !== '') onLine(rest)
  })
}
