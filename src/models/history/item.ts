import type { AnyObject } from '../object.ts'
import type { FieldChange } from './changes.ts'

/** One revision of an object, as `?history=true` tells it. */
export interface HistoryItem {
  revision: string
  /** RFC 3339 with milliseconds; not there when it is not known any more. */
  time?: string
  /** `Earlier`: the state with which the history begins. */
  type: 'Created' | 'Changed' | 'Deleted' | 'Earlier'
  by: string[]
  /** Who asked for the change, and what the request was called; not there when it is not known any more. */
  user?: string
  auditID?: string
  fields: FieldChange[]
  /** Not there after a deletion, or when it cannot be read. */
  object?: AnyObject
  error?: string
}
