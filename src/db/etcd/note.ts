import type { Author, Change, Key, Revision } from '../store.ts'
import type { KeyValue, RequestOp } from './messages.ts'
import { readSignature, textOf } from './signed.ts'

/**
 * Where the store notes the time, at most once a second, in the same commit as a change; and who deleted something: a value names its
 * author itself (see signed.ts), a deletion has none. Keys of our own begin with U+0001, before all that others may use, and are not shown.
 */
export const noteKey = '\u0001time'

/** Without a note a commit may have one change more: etcd takes at most 128 unless told otherwise. */
const mostNoted = 100

export interface Note {
  /** Of this revision or, without an author, the second before it. */
  timeMs: number
  author: Author | undefined
}

/** Decides which commits get a note. */
export class Notes {
  #noted = 0

  /** With a change that is sure to be one only: a deletion of what is not there makes no revision. */
  of(
    changes: Change[],
    seen: ReadonlyMap<Key, Revision>,
    author: Author | undefined,
    now: number,
  ): RequestOp | undefined {
    if (changes.length >= mostNoted || !changes.some(c => c.value || seen.get(c.key))) return undefined
    const named = author && changes.some(c => c.value === undefined) ? author : undefined
    if (!named && now < this.#noted + 1000) return undefined
    this.#noted = now
    const text = named ? textOf({ timeMs: now, author: named }) : `${now}`
    return { request_put: { key: Buffer.from(noteKey), value: Buffer.from(text) } }
  }
}

/** @param kv the note as it was at `revision` */
export function readNote(kv: KeyValue, revision: Revision): Note {
  const { timeMs, author } = readSignature(kv.value.toString())
  const named = author.user !== '' && BigInt(kv.mod_revision) === revision
  return { timeMs, author: named ? author : undefined }
}
