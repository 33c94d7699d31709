import { abortable } from '../base/abort.ts'
import type { Kind } from '../models/kind.ts'
import type { KubeObject } from '../models/object.ts'
import type { Selectors } from './client.ts'
import type { Informer, InformerSet } from './informer.ts'
import { type InformerOptions, ListWatchInformer } from './list-watch-informer.ts'

/** Informers start when they are first asked for, and run until the set is disposed. */
export function createInformers(options: InformerOptions): InformerSet {
  const running = new Map<string, ListWatchInformer<any>>()
  // Of all objects of a kind: asked for several times for each event, so found without putting a name together.
  const ofAll = new Map<Kind<any>, ListWatchInformer<any>>()
  const named = <T extends KubeObject>(kind: Kind<T>, selectors: Selectors): ListWatchInformer<T> => {
    const { namespace, labelSelector, fieldSelector } = selectors
    const id = JSON.stringify([kind.group, kind.version, kind.plural, namespace, labelSelector, fieldSelector])
    let informer = running.get(id)
    if (!informer) running.set(id, (informer = new ListWatchInformer<T>(kind, selectors, options)))
    return informer
  }
  return {
    for<T extends KubeObject>(kind: Kind<T>, selectors?: Selectors): Informer<T> {
      if (selectors) return named(kind, selectors)
      let informer = ofAll.get(kind)
      if (!informer) ofAll.set(kind, (informer = named(kind, {})))
      return informer
    },
    async ready(signal) {
      await abortable(Promise.all([...running.values()].map(informer => informer.ready())), signal)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...running.values()].map(informer => informer[Symbol.asyncDispose]()))
      running.clear()
      ofAll.clear()
    },
  }
}
