import { seededRandom } from '../../base/random.ts'
import type { Node, Pod } from '../../models/types/core-v1.ts'
import { ClusterState } from '../cluster-state.ts'
import { Decider } from '../decider.ts'
import { copyOf } from '../explain/cluster-repairs.ts'
import { findChanges, type TriedChange } from '../explain/explain.ts'
import { askAll } from '../explain/refusals.ts'
import { defaultProfile } from '../plugins/index.ts'
import { randomMaker } from './random-cluster.ts'
import { fillStorage, type StorageSketch } from './storage.ts'

interface World {
  nodes: Node[]
  pods: Pod[]
  storage: Partial<StorageSketch>
}

const namespaces = { default: { team: 's' }, other: { team: 't' } }

function build({ nodes, pods, storage }: World) {
  const state = new ClusterState()
  fillStorage(state.objects, storage)
  for (const [name, labels] of Object.entries(namespaces)) state.setNamespace(name, labels)
  for (const node of nodes) state.setNode(node)
  for (const pod of pods) state.addPod(state.classes.admit(pod), pod.spec.nodeName!)
  return { state, decider: new Decider(defaultProfile, state) }
}

/** The cluster and the pod after the change, made of plain objects alone. */
function fork(world: World, pod: Pod, change: TriedChange): { world: World; pod: Pod } {
  if (change.of === 'pod') return { world, pod: change.pod! }
  if (change.evict) {
    const names = new Set(change.evict.map(e => `${e.namespace}/${e.name}`))
    const pods = world.pods.filter(p => !names.has(`${p.metadata.namespace}/${p.metadata.name}`))
    return { world: { ...world, pods }, pod }
  }
  if (change.addNodeLike) {
    const like = world.nodes.find(n => n.metadata.name === change.addNodeLike)!
    return { world: { ...world, nodes: [...world.nodes, copyOf(like)] }, pod }
  }
  const gone = change.removeTaints ?? []
  const nodes = world.nodes.map(n => {
    if (n.metadata.name !== change.node) return n
    const { unschedulable, taints = [], ...spec } = n.spec
    const left = taints.filter(t => !gone.some(g => g.key === t.key && g.effect === t.effect))
    return { ...n, spec: { ...spec, taints: left, ...(unschedulable && !change.uncordon ? { unschedulable } : {}) } }
  })
  return { world: { ...world, nodes }, pod }
}

/**
 * Makes a random cluster and asks about pods until some are rejected. Every change that is stated is made in a fork of its
 * own, where the pod must be placed. @returns how many rejections were looked at, and the first change that did not help
 */
export function checkExplanations(seed: number): { rejected: number; changes: number; wrong?: string } {
  const random = seededRandom(seed)
  const make = randomMaker(random)
  const world: World = {
    nodes: Array.from({ length: 5 }, (_, i) => make.node(`n${i}`)),
    pods: Array.from({ length: 10 }, (_, i) => ({ ...make.pod(`p${i}`, `n${make.below(5)}`) })),
    storage: make.storage(),
  }
  for (const pod of world.pods) pod.spec.priority = make.below(3)
  const { state, decider } = build(world)
  const out = { rejected: 0, changes: 0 }
  for (let i = 0; i < 4; i++) {
    const pod = make.pod(`ask${i}`)
    pod.spec.priority = make.below(4)
    const info = state.classes.admit(pod)
    if (decider.decide(info).node) continue
    const { refused } = askAll(decider.actives(info), state)
    const changes = findChanges(info, refused, { state, decider, budgets: [] })
    out.rejected++
    if (changes.length) out.changes++
    for (const change of changes) {
      const after = fork(world, pod, change)
      const other = build(after.world)
      const decision = other.decider.decide(other.state.classes.admit(after.pod))
      if (!decision.node) return { ...out, wrong: `seed ${seed}: ${change.text}: ${JSON.stringify(decision.failure)}` }
    }
    // Trying things out has left no trace.
    const again = decider.decide(info)
    if (again.node) return { ...out, wrong: `seed ${seed}: placed without any change` }
  }
  return out
}
