import type { Author, Change, Key, Revision } from '../store.ts'
import type { KeyValue, RequestOp } from './messages.ts'

/**
 * Where the store notes when and by whom, in the same commit as a change: etcd keeps neither. The time is noted at most once a
 * second when nobody is named. Keys of our own begin with U+0001, before all that others may use, and are not shown.
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
    if (!author && now < this.#noted + 1000) return undefined
    this.#noted = now
    const text = author ? `${now} ${author.request} ${author.user}` : `${now}`
    return { request_put: { key: Buffer.from(noteKey), value: Buffer.from(text) } }
  }
}

/** @param kv the note as it was at `revision` */
export function readNote(kv: KeyValue, revision: Revision): Note {
  const text = kv.value.toString()
  const [time, request] = text.split(' ', 2)
  const named = request !== undefined && BigInt(kv.mod_revision) === revision
  const author = named ? { request, user: text.slice(time!.length + request.length + 2) } : undefined
  return { timeMs: Number(time), author }
}
