import { type Database, rollBack, single } from './database.ts'

/** Pages in one step, after which the time is looked at: each may have to be moved, and others that point to it written. */
const stepPages = 8

/**
 * Gives free pages back to the file system, in one transaction: at most `pages`, and none after `isOver` but those of one step.
 * @returns how many
 */
export function vacuum(database: Database, pages: number, isOver: () => boolean): number {
  const free = () => single(database, 'PRAGMA freelist_count') as number
  database.exec('BEGIN IMMEDIATE')
  try {
    const before = free()
    let left = before
    do {
      database.exec(`PRAGMA incremental_vacuum(${stepPages})`)
      left = free()
    } while (left > 0 && before - left < pages && !isOver())
    database.exec('COMMIT')
    return before - left
  } catch (error) {
    rollBack(database)
    throw error
  }
}
