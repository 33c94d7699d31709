import { mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { pino } from 'pino'

/** Constant message, variable fields: `log.info({ pod, node }, 'pod bound')`. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A logger that adds `fields` to every line. */
  child(fields: object): Logger
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** JSON lines to a file or to standard error. @throws Error if the file cannot be opened */
export function createLogger(level: LogLevel, file?: string): Logger {
  // Opened at once: a program that ends before its log is open would end with an error about the log.
  const target = pino.destination({ dest: file ? openAppending(file) : 2, sync: false, minLength: 0 })
  // A log that cannot be written (disk full, folder gone) is lost; the cluster goes on.
  target.on('error', () => {})
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, target) as unknown as Logger
}

function openAppending(file: string): number {
  mkdirSync(dirname(file), { recursive: true })
  return openSync(file, 'a', 0o640)
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
