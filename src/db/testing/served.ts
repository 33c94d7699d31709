import { openSqliteStore } from '../sqlite/sqlite-store.ts'
import { StoreConflict } from '../store.ts'
import type { Answer, Question } from './store-process.ts'

/*
 * A process that has a store open and answers its parent over their channel. See store-process.ts.   served.ts PATH
 */
const store = await openSqliteStore({ path: process.argv[2]!, checkpointPages: 200 })
process.on('message', ({ id, key, commit }: Question) => {
  const done = commit ? store.commit([{ key, value: commit.value }], new Map(commit.seen)) : store.get(key)
  done
    .then(
      result => ({ id, result }),
      error => (error instanceof StoreConflict ? { id, moved: error.actual ?? null } : { id, failed: `${error}` }),
    )
    .then((answer: Answer) => process.send!(answer))
})
process.on('disconnect', () => process.exit())
process.send!({ id: 0, result: undefined })
