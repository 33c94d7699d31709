import { seededRandom } from '../../base/random.ts'
import type { InformerSet } from '../../client/index.ts'
import type { Kind } from '../../models/kind.ts'
import { Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../models/kinds/index.ts'
import type * as core from '../../models/types/core-v1.ts'
import type { ClusterEvent } from '../cluster-event.ts'
import { ClusterFeed } from '../cluster-feed.ts'
import { ClusterState } from '../cluster-state.ts'
import { Decider } from '../decider.ts'
import { defaultProfile } from '../plugins/index.ts'
import { randomMaker } from './random-cluster.ts'
import { fillStorage, makeClaim, makeVolume } from './storage.ts'

interface Handlers {
  added(object: unknown): void
  updated(object: unknown): void
  deleted(object: unknown): void
}

/** Informers that say what they are told to. */
function toldInformers() {
  const handlers = new Map<Kind<any>, Handlers>()
  const informers = {
    for: (kind: Kind<any>) => ({
      subscribe(given: Handlers) {
        handlers.set(kind, given)
        return () => {}
      },
    }),
  } as unknown as InformerSet
  return { informers, of: (kind: Kind<any>) => handlers.get(kind)! }
}

const plugins = new Map(defaultProfile.plugins.map(({ plugin }) => [plugin.name, plugin]))

/**
 * A random cluster, pods that fit nowhere, and one thing after the other that happens. Whenever such a pod fits, one of the
 * plugins that refused it must have said that the event may let it in.
 * @returns how often pods were let in, how often they were woken, how many events there were, and the first pod that nobody woke
 */
export function checkHints(seed: number): { letIn: number; woken: number; asked: number; missed?: string } {
  const random = seededRandom(seed)
  const make = randomMaker(random)
  const state = new ClusterState()
  fillStorage(state.objects, make.storage())
  const events: ClusterEvent[] = []
  const listener = { pending() {}, gone() {}, settled() {}, event: (event: ClusterEvent) => void events.push(event) }
  const { informers, of } = toldInformers()
  new ClusterFeed(state, listener).subscribe(informers, () => false)
  of(Namespace).added({ metadata: { name: 'default', labels: { team: 's' } } })
  const nodes = new Map<string, core.Node>()
  const pods = new Map<string, core.Pod>()
  let serial = 0
  const setNode = (name: string, node: core.Node) => {
    nodes.set(name, node)
    of(Node).updated(node)
  }
  const placePod = () => {
    const pod = make.pod(`p${serial++}`, `n${make.below(5)}`)
    pods.set(pod.metadata.uid, pod)
    of(Pod).added(pod)
  }
  const anyNode = () => nodes.get(`n${make.below(5)}`)
  const anyPod = () => [...pods.values()][make.below(pods.size)]
  const happenings: (() => void)[] = [
    placePod,
    () => {
      const pod = anyPod()
      if (pod && pods.delete(pod.metadata.uid)) of(Pod).deleted(pod)
    },
    () => {
      const pod = anyPod()
      if (!pod) return
      const changed = { ...pod, metadata: { ...pod.metadata, labels: make.pod('other').metadata.labels! } }
      pods.set(pod.metadata.uid, changed)
      of(Pod).updated(changed)
    },
    () => {
      const pod = anyPod()
      if (!pod) return
      const ending = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }
      pods.set(pod.metadata.uid, ending)
      of(Pod).updated(ending)
    },
    () => {
      const name = `n${make.below(5)}`
      setNode(name, make.node(name))
    },
    () => {
      // One thing of it alone.
      const old = anyNode()
      if (!old) return
      const { spec, status, metadata } = make.node(old.metadata.name)
      setNode(old.metadata.name, { ...old, ...make.one([{ spec }, { status }, { metadata }]) } as core.Node)
    },
    () => {
      const node = anyNode()
      if (node && nodes.delete(node.metadata.name)) of(Node).deleted(node)
    },
    () => of(Namespace).updated({ metadata: { name: 'default', labels: { team: make.one(['s', 't']) } } }),
    () => of(PersistentVolumeClaim).updated(makeClaim({ name: 'none', volume: make.one(['u', 'v', 'w']) })),
    () => of(PersistentVolume).updated(makeVolume({ name: make.one(['gone', 'u']), zone: make.one(['x', 'y']) })),
  ]
  for (let i = 0; i < 3; i++) setNode(`n${i}`, make.node(`n${i}`))
  for (let i = 0; i < 8; i++) placePod()

  const decider = new Decider(defaultProfile, state)
  const out = { letIn: 0, woken: 0, asked: 0 }
  const waiting = Array.from({ length: 6 }, (_, i) => state.classes.admit(make.pod(`ask${i}`)))
  const refusedBy = new Map<string, ReadonlySet<string>>()
  const ask = (info: (typeof waiting)[number]) => {
    const { node, ...rest } = decider.decide(info)
    refusedBy.delete(info.uid)
    if (!node && 'failure' in rest) refusedBy.set(info.uid, rest.failure.plugins)
    return node !== undefined
  }
  for (const info of waiting) ask(info)
  for (let step = 0; step < 40; step++) {
    events.length = 0
    const what = make.below(happenings.length)
    happenings[what]!()
    for (const info of waiting) {
      const plugin = refusedBy.get(info.uid)
      if (!plugin) {
        ask(info)
        continue
      }
      out.asked++
      const woken = events.some(e => [...plugin].some(p => plugins.get(p)?.wakes?.(e, info, state) ?? true))
      if (woken) out.woken++
      if (decider.decide(info).node) {
        out.letIn++
        const told = events.map(e => ('changed' in e ? `${e.type} (${[...e.changed].join()})` : e.type)).join(', ')
        if (!woken)
          return {
            ...out,
            missed: `seed ${seed}, step ${step}: ${told || 'nothing'} let in what ${[...plugin]} refused`,
          }
      }
      // Whoever is not woken stays with what it was refused for.
      if (woken) ask(info)
    }
  }
  return out
}
