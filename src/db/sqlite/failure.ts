import {
  Compacted,
  FutureRevision,
  StoreConflict,
  StoreCorrupt,
  StoreFailed,
  StoreFull,
  StoreLocked,
} from '../store.ts'
import { codes, sqliteCode } from './database.ts'
import type { Failure } from './protocol.ts'
import { WrongSchema } from './schema.ts'

/** A failure thrown inside a thread, to be sent as it is. */
export class ThreadFailure extends Error {
  readonly failure: Failure
  constructor(failure: Failure) {
    super(failure.reason)
    this.failure = failure
  }
}

/** Packs an error for its way to the main thread. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ThreadFailure) return error.failure
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof WrongSchema) return { reason: 'schema', message }
  switch (sqliteCode(error)) {
    case codes.full:
      return { reason: 'full', message }
    case codes.corrupt:
    case codes.notADatabase:
      return { reason: 'corrupt', message }
    case codes.readOnly:
    case codes.cannotOpen:
      return { reason: 'readOnly', message }
    default:
      return { reason: 'failed', message }
  }
}

/** The error that the caller of the store gets. */
export function errorOf(failure: Failure, path: string, pid?: string): Error {
  switch (failure.reason) {
    case 'conflict': {
      const { key, actual } = failure
      return new StoreConflict(
        key,
        actual && { key, value: actual.value, revision: BigInt(actual.revision), created: BigInt(actual.created) },
      )
    }
    case 'compacted':
      return new Compacted(BigInt(failure.wanted), BigInt(failure.oldest))
    case 'future':
      return new FutureRevision(BigInt(failure.wanted), BigInt(failure.newest))
    case 'full':
      return new StoreFull(`no room on the disk for ${path}: ${failure.message}`, {
        hint: 'Free space on its file system; writing goes on by itself then.',
      })
    case 'locked':
      return new StoreLocked(path, pid)
    case 'corrupt':
      return new StoreCorrupt(path, failure.message)
    case 'readOnly':
      return new StoreFailed(`${path} cannot be opened for writing: ${failure.message}`, {
        hint: 'Give the user of this process the right to write the file and its folder, or name another data folder.',
      })
    case 'schema':
      return new StoreFailed(`${path} cannot be used: ${failure.message}`, {
        hint: 'If a newer OptiFlow wrote it, use that one or a newer one. Else put the file of the store back, or restore a backup: "optiflow restore FILE --force".',
      })
    case 'failed':
      return new StoreFailed(`the store ${path} failed: ${failure.message}`, {
        hint: 'Check the disk and the system’s log, then restart.',
      })
  }
}
