import type { AnyObject } from '../../models/object.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'

/**
 * How stored objects become what one version of a custom resource serves, and back. They may have been stored in another
 * version, or before the schema stated a default; and to convert them may take a call to somebody else.
 */
export interface StoredForm {
  /** There is never anything to wait for. */
  readonly atOnce: boolean
  /** `stable.example.com/v1`: in which version objects are written. */
  readonly storedAs: string
  /** The kept bytes are what is served. */
  isServed(object: KeptObject): boolean
  /** Awaited before `served` may be asked; undefined when there is nothing to wait for. @throws ApiError when a conversion fails */
  prepare(objects: readonly KeptObject[]): Promise<void> | undefined
  /** The served form; shared, not to be changed. */
  served(object: KeptObject): AnyObject
  toStored(object: AnyObject): AnyObject | Promise<AnyObject>
  /** Saves the conversion of what has ended: it was converted while it was there. */
  remember(object: KeptObject, served: AnyObject): void
  /** Writing it again unchanged would change what is stored: it is in an older version, or lacks defaults. */
  isOutdated(object: KeptObject): boolean
  /** Aborts when the definition changes: who watches has to begin anew. */
  ended: AbortSignal
}
