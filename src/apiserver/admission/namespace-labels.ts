import { Namespace } from '../../models/kinds/index.ts'
import type { Core } from '../core.ts'

/** Labels of a namespace as it is now; undefined where it has none, or is not there. */
export function labelsOfNamespace(core: Core, name: string): Record<string, string> | undefined {
  const kept = core.cache.get(core.resources.of(Namespace), undefined, name)
  return kept && core.shared(kept).metadata.labels
}
