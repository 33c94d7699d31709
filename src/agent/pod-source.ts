import type { Informer, InformerHandler, InformerSet } from '../client/index.ts'
import { Pod } from '../models/kinds/core/pod.ts'

/** Tells a node which pods are bound to it. */
export interface PodSource {
  /** Hears of all pods of the node known now, then of changes. Returns a function that ends it. */
  subscribe(nodeName: string, handler: InformerHandler<Pod>): () => void
  /** Resolves when what is known is complete. */
  ready(signal?: AbortSignal): Promise<void>
}

/** For one node: the server sends only its own pods. */
export function ownPods(informers: InformerSet, nodeName: string): PodSource {
  const informer = informers.for(Pod, { fieldSelector: `spec.nodeName=${nodeName}` })
  return {
    subscribe: (_, handler) => informer.subscribe(handler),
    ready: signal => informer.ready(signal),
  }
}

/** For many nodes in one process: one watch of all pods, each change handed to the node it concerns. */
export function sharedPods(informer: Informer<Pod>): PodSource {
  const nodes = new Map<string, Set<InformerHandler<Pod>>>()
  informer.addIndex('node', pod => (pod.spec.nodeName ? [pod.spec.nodeName] : []))
  const handlers = (pod: Pod) => nodes.get(pod.spec.nodeName ?? '') ?? []
  informer.subscribe({
    added(pod) {
      for (const handler of handlers(pod)) handler.added?.(pod)
    },
    updated(pod, old) {
      const moved = old.spec.nodeName !== pod.spec.nodeName
      for (const handler of handlers(pod)) moved ? handler.added?.(pod) : handler.updated?.(pod, old)
      if (moved) for (const handler of handlers(old)) handler.deleted?.(old)
    },
    deleted(pod) {
      for (const handler of handlers(pod)) handler.deleted?.(pod)
    },
  })
  return {
    subscribe(nodeName, handler) {
      let set = nodes.get(nodeName)
      if (!set) nodes.set(nodeName, (set = new Set()))
      for (const pod of informer.byIndex('node', nodeName)) handler.added?.(pod)
      set.add(handler)
      return () => {
        set.delete(handler)
        if (!set.size) nodes.delete(nodeName)
      }
    },
    ready: signal => informer.ready(signal),
  }
}
