import { mkdirSync, openSync, renameSync, statSync } from 'node:fs'
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

/** A file that has become so large is put aside as `FILE.old`, where it takes the place of the one before. */
const mostBytes = 10 << 20
const mode = 0o640

/**
 * JSON lines to a file or to standard error. The file and the one put aside take twice `maxBytes` together, however long we run.
 * @throws Error if the file cannot be opened
 */
export function createLogger(level: LogLevel, file?: string, maxBytes = mostBytes): Logger {
  // Opened at once: a program that ends before its log is open would end with an error about the log.
  const target = pino.destination({ dest: file ? openAppending(file) : 2, sync: false, minLength: 0, mode })
  // A log that cannot be written (disk full, folder gone) is lost; the cluster goes on.
  target.on('error', () => {})
  if (file) {
    // It was given open, and is opened by its name after this.
    Object.assign(target, { file })
    let bytes = statSync(file).size
    target.on('write', written => {
      bytes += written
      if (bytes < maxBytes) return
      bytes = 0
      try {
        renameSync(file, `${file}.old`)
        target.reopen(file)
      } catch {
        // It goes on as it is, and is tried again when it has become twice as large.
      }
    })
  }
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, target) as unknown as Logger
}

function openAppending(file: string): number {
  mkdirSync(dirname(file), { recursive: true })
  return openSync(file, 'a', mode)
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
}
