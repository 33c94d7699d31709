import { copyOf, openedNode } from '../../src/scheduler/explain/cluster-repairs.ts'
import { explainPod, findChanges, type TriedChange } from '../../src/scheduler/explain/explain.ts'
import { askAll } from '../../src/scheduler/explain/refusals.ts'
import { type ClusterState, Decider, defaultProfile, type PodInfo } from '../../src/scheduler/index.ts'
import { firstRow } from './replay.ts'

/** Explanations of refused pods, each proven in a fork of the cluster. */
export class Explained {
  count = 0
  /** How often the smallest change was one of the pod. */
  ofPod = 0
  /** Nothing was found that would help. */
  without = 0
  readonly failures: string[] = []
  readonly #laps: number[] = []

  ask(info: PodInfo, state: ClusterState, decider: Decider): void {
    this.count++
    const world = { state, decider, budgets: [] }
    const began = process.cpuUsage()
    const said = explainPod(info.pod, world)
    const { user, system } = process.cpuUsage(began)
    this.#laps.push((user + system) / 1_000)
    const [smallest] = findChanges(info, askAll(decider.actives(info), state).refused, world)
    if (smallest?.text !== said.changes[0]?.text) this.failures.push(`${info.keyText}: said otherwise when asked again`)
    if (!smallest) this.without++
    else if (!helps(smallest, info, state)) this.failures.push(`${info.keyText}: ${smallest.text}`)
    if (smallest?.of === 'pod') this.ofPod++
  }

  /** @param share from 0 to 1. @returns processor time that so many explanations took at most */
  ms(share: number): number {
    const sorted = [...this.#laps].sort((a, b) => a - b)
    return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0
  }
}

/** Whether the pod is placed in a fork in which the change was made. */
function helps(change: TriedChange, info: PodInfo, state: ClusterState): boolean {
  const fork = state.fork()
  if (change.of === 'cluster') alter(fork, change)
  const pod = fork.classes.admit(change.of === 'pod' ? change.pod! : info.pod)
  const { node } = new Decider(defaultProfile, fork, undefined, firstRow).decide(pod)
  fork.classes.release(pod)
  return node !== undefined
}

function alter(fork: ClusterState, change: Extract<TriedChange, { of: 'cluster' }>): void {
  const named = (name: string) => fork.byName(name)!
  if (change.addNodeLike) fork.setNode(copyOf(named(change.addNodeLike).node))
  else if (change.evict) {
    const names = new Set(change.evict.map(v => `${v.namespace}/${v.name}`))
    const { name, placed } = named(change.node)
    for (const pod of placed.filter(p => names.has(p.keyText))) fork.removePod(pod, name)
  } else {
    const gone = change.removeTaints ?? []
    fork.setNode(openedNode(named(change.node).node, t => gone.some(g => g.key === t.key && g.effect === t.effect)))
  }
}
