import type { AnyObject } from '../object.ts'
import { changedBy, ownerText } from './changes.ts'
import { leavesOf } from './fields.ts'
import { ownersOf } from './owners.ts'

/** One state of an object in its history. Without `object` it was deleted there, or cannot be read. */
export interface PastState {
  revision: string
  /** RFC 3339; undefined: not known any more. */
  time?: string | undefined
  object?: AnyObject | undefined
  /** Who asked for the change, and the audit id of the request. */
  user?: string | undefined
  auditID?: string | undefined
}

/** Who gave a field the value that it has. */
export interface Origin {
  path: string
  value: unknown
  by: string
  /** RFC 3339; undefined: not known any more. */
  time?: string
  /** Undefined: before the history begins. */
  revision?: string
  user?: string
  auditID?: string
}

/**
 * Who set each field of the newest state, and when: the revision from which on it has had its present value.
 * @param states newest first
 * @param below only fields at or below this path; all if ''
 * @param complete the last state is the first one of the object
 */
export function blame(states: readonly PastState[], below: string, complete: boolean): Origin[] {
  const present = states[0]?.object
  if (!present) return []
  const lives = livesOf(states)
  const past = lives.map(s => leavesOf(s.object))
  const out: Origin[] = []
  for (const leaf of past[0]!.values()) {
    if (below && !isBelow(leaf.path, below)) continue
    const text = JSON.stringify(leaf.value)
    let since = 0
    while (since + 1 < lives.length && JSON.stringify(past[since + 1]!.get(leaf.path)?.value) === text) since++
    const state = lives[since]!
    const known = complete || since + 1 < lives.length || lives.length < states.length
    const owner = ownersOf(state.object!, leaf.steps)[0] ?? ownersOf(present, leaf.steps)[0]
    const by = owner ? ownerText(owner) : (changedBy(lives[since + 1]?.object, state.object!)[0] ?? 'unknown')
    const time = known ? state.time : owner?.time
    out.push({
      path: leaf.path,
      value: leaf.value,
      by,
      ...(time ? { time } : {}),
      ...(known ? { revision: state.revision, ...requestOf(state) } : {}),
    })
  }
  return out
}

function requestOf({ user, auditID }: PastState): Pick<Origin, 'user' | 'auditID'> {
  return { ...(user === undefined ? {} : { user }), ...(auditID === undefined ? {} : { auditID }) }
}

/** The states of the present object, without those of an earlier one of the same name. */
function livesOf(states: readonly PastState[]): PastState[] {
  const uid = states[0]!.object!.metadata.uid
  const end = states.findIndex(s => s.object?.metadata.uid !== uid)
  return end < 0 ? [...states] : states.slice(0, end)
}

function isBelow(path: string, wanted: string): boolean {
  return path === wanted || path.startsWith(`${wanted}.`) || path.startsWith(`${wanted}[`)
}
