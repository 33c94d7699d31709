import type { Selector } from '../base/labels.ts'
import type { Kind } from '../models/kind.ts'
import type { KubeObject } from '../models/object.ts'
import type { Cache, CacheIndex } from './reconciler.ts'

/** Who selects whom, without looking at all of a namespace. */

const pair = (namespace: string | undefined, key = '', value = '') => `${namespace ?? ''}/${key}=${value}`
const demanded = ({ requirements }: Selector) => requirements.filter(r => r.operator === '=' || r.operator === '==')

/**
 * How to find the objects of a kind that a selector selects: it looks at those that have the rarest of the labels that the selector
 * names, and at all of the namespace only when it names none.
 */
export function selectedOf<T extends KubeObject>(kind: Kind<T>) {
  const index: CacheIndex<T> = {
    kind,
    name: 'label',
    values: ({ metadata: { namespace, labels = {} } }) =>
      Object.entries(labels).map(([key, value]) => pair(namespace, key, value)),
  }
  return (cache: Cache, namespace: string | undefined, selector: Selector): T[] => {
    if (selector.nothing) return []
    const found = demanded(selector).map(r => cache.byIndex(index, pair(namespace, r.key, r.values[0])))
    const candidates = found.length
      ? found.reduce((a, b) => (b.length < a.length ? b : a))
      : cache.list(kind, namespace)
    return candidates.filter(o => selector.matches(o.metadata.labels))
  }
}

/**
 * How to find the objects of a kind that select a given one of their namespace by its labels.
 * @param selectorOf what an object selects; `nothing`, if it selects nothing
 */
export function selectingOf<T extends KubeObject>(kind: Kind<T>, selectorOf: (object: T) => Selector) {
  const index: CacheIndex<T> = {
    kind,
    name: 'selector',
    values(object) {
      const selector = selectorOf(object)
      if (selector.nothing) return []
      const [first] = demanded(selector)
      return [pair(object.metadata.namespace, first?.key, first?.values[0])]
    },
  }
  return (cache: Cache, { metadata: { namespace, labels = {} } }: KubeObject): T[] => {
    const pairs = [pair(namespace), ...Object.entries(labels).map(([key, value]) => pair(namespace, key, value))]
    return pairs.flatMap(p => cache.byIndex(index, p)).filter(o => selectorOf(o).matches(labels))
  }
}
