import pino from 'pino'
import pretty from 'pino-pretty'

/** The host's log: structured, with a short constant message. */
export type Log = pino.Logger

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export const logFormats = ['json', 'pretty'] as const

export interface LogOptions {
  level: (typeof logLevels)[number]
  format: (typeof logFormats)[number]
}

/** Makes the log. It goes to stderr, so that stdout stays free for what a command prints. */
export function createLog({ level, format }: LogOptions): Log {
  const options = { level, base: {}, timestamp: pino.stdTimeFunctions.isoTime }
  const stderr = pino.destination({ fd: 2, sync: true, maxLength: maxWaitingBytes })
  // A disk that is full, for one. Lines wait for room, and the latest are lost then; the host goes on.
  stderr.on('error', () => {})
  if (format === 'json') return pino(options, stderr)
  return pino(options, pretty({ destination: stderr, ignore: 'pluginVersion', translateTime: 'SYS:HH:MM:ss.l' }))
}

const maxWaitingBytes = 1024 * 1024
