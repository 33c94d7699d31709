import { pino } from 'pino'
import { LogOutput } from './log-output.ts'

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

/** A file that has become so large is put aside as `FILE.old`, where it takes the place of the one before. */
const mostBytes = 10 << 20
/**
 * JSON lines to a file or to standard error. The file and the one put aside take twice `maxBytes` together, however long we run.
 * @throws Error if the file cannot be opened
 */
export function createLogger(level: LogLevel, file?: string, maxBytes = mostBytes): Logger {
  const target = new LogOutput(file, maxBytes)
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, target) as unknown as Logger
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
