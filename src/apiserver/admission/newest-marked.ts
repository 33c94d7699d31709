import type { Kind } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core } from '../core.ts'

/** The class that is marked as the default by one of the annotations; of several the newest, then the first by name. */
export function newestMarked(core: Core, kind: Kind<any>, annotations: string[]): AnyObject | undefined {
  const since = (object: AnyObject) => Date.parse(object.metadata.creationTimestamp ?? '') || 0
  let found: AnyObject | undefined
  for (const kept of core.cache.bucket(core.resources.of(kind)).list()) {
    const candidate = core.shared(kept)
    if (!annotations.some(name => candidate.metadata.annotations?.[name] === 'true')) continue
    // The list is in order of name.
    if (!found || since(candidate) > since(found)) found = candidate
  }
  return found
}
