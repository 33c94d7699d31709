import type { Kind } from '../models/kind.ts'
import type { KubeObject } from '../models/object.ts'
import type { Informer, InformerSet } from './informer.ts'
import { controllerOf } from './owner.ts'
import type { Cache } from './reconciler.ts'

const ownerIndex = '$controller'
/** The index value of what no controller owns: no uid begins like this. */
const orphansOf = (namespace: string | undefined) => `/${namespace ?? ''}`

/** What the informers know, by kind. A kind asked for here for the first time starts its informer: declare it in `watches` to have it waited for. */
export function createCache(informers: InformerSet): Cache {
  const owned = <T extends KubeObject>(kind: Kind<T>): Informer<T> => {
    const informer = informers.for(kind)
    informer.addIndex(ownerIndex, object => {
      const uid = controllerOf(object)?.uid
      return [uid ?? orphansOf(object.metadata.namespace)]
    })
    return informer
  }
  return {
    get: (kind, key) => informers.for(kind).get(key),
    list: (kind, namespace) => informers.for(kind).list(namespace),
    ownedBy: (kind, ownerUid) => owned(kind).byIndex(ownerIndex, ownerUid),
    orphans: (kind, namespace) => owned(kind).byIndex(ownerIndex, orphansOf(namespace)),
    byIndex({ kind, name, values }, value) {
      const informer = informers.for(kind)
      informer.addIndex(name, values)
      return informer.byIndex(name, value)
    },
  }
}
