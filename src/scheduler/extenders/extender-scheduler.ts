import { explain } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Decider, Fit, Unfit } from '../decider.ts'
import type { PodInfo } from '../pod-class.ts'
import type { Eviction } from '../preemption.ts'
import type { QueuedPod } from '../scheduling-queue.ts'
import type { NodeView } from '../snapshot.ts'
import { type Extender, extenderPlugin } from './extender.ts'

export interface ExtenderSchedulerOptions {
  extenders: readonly Extender[]
  log: Logger
  signal: AbortSignal
  deciderOf(info: PodInfo): Decider
  /** How many nodes there are. */
  nodes(): number
  place(entry: QueuedPod, fit: Fit): void
  refuse(entry: QueuedPod, unfit: Unfit): void
  /** What was decided no longer holds, or could not be: again after the pod's back-off. */
  retry(entry: QueuedPod, why: string | undefined): void
  /** The pod is gone or placed by somebody else. */
  dropped(info: PodInfo): void
}

/** Asks extenders about pods that concern them, while the scheduler goes on with others. */
export class ExtenderScheduler {
  readonly #options: ExtenderSchedulerOptions

  constructor(options: ExtenderSchedulerOptions) {
    this.#options = options
  }

  concerns({ pod }: PodInfo): boolean {
    return this.#concerned(pod, e => e.rules.filterVerb ?? e.rules.prioritizeVerb).length > 0
  }

  /** Set if an extender binds the pod. */
  binderOf(info: PodInfo): ((node: string) => Promise<void>) | undefined {
    const [first] = this.#concerned(info.pod, e => e.rules.bindVerb)
    return first && (node => first.bind(info, node, this.#options.signal))
  }

  /** Whether all of them agree to the eviction. */
  async mayPreempt(info: PodInfo, { node, victims }: Eviction): Promise<boolean> {
    for (const extender of this.#concerned(info.pod, e => e.rules.preemptVerb)) {
      const agrees = extender.mayPreempt(info, node.name, victims, this.#options.signal)
      if (!(await agrees.catch(error => this.#forgive(extender, error, true)))) return false
    }
    return true
  }

  async attempt(entry: QueuedPod): Promise<void> {
    const { deciderOf, refuse, retry, dropped, place } = this.#options
    const decider = deciderOf(entry.info)
    const ranking = decider.rank(entry.info)
    if ('failure' in ranking) return refuse(entry, ranking)
    let chosen: { nodes: NodeView[]; unfit: Unfit; raised: Map<string, number> }
    try {
      chosen = await this.#ask(entry.info, ranking.fitting)
    } catch (error) {
      return entry.place === 'flying' ? retry(entry, explain(error)) : dropped(entry.info)
    }
    const { info } = entry
    if (entry.place !== 'flying') return dropped(info)
    if (!chosen.nodes.length) return refuse(entry, chosen.unfit)
    const scores = new Map(ranking.fitting.map((n, i) => [n.name, ranking.totals[i]!]))
    const scoreOf = ({ name }: NodeView) => scores.get(name)! + (chosen.raised.get(name) ?? 0)
    const check = decider.checkerWithPromised(info)
    // The cluster has moved on meanwhile.
    const best = chosen.nodes.sort((a, b) => scoreOf(b) - scoreOf(a)).find(node => !check(node))
    if (best) place(entry, { node: best, fitting: chosen.nodes.length, score: scoreOf(best) })
    else retry(entry, undefined)
  }

  async #ask(info: PodInfo, fitting: readonly NodeView[]) {
    const { signal } = this.#options
    let nodes = [...fitting]
    const reasons = new Map<string, string[]>()
    for (const extender of this.#concerned(info.pod, e => e.rules.filterVerb)) {
      if (!nodes.length) break
      const asked = nodes
      const unchanged = { nodes: asked, failed: {}, unresolvable: {} }
      const said = await extender.filter(info, asked, signal).catch(e => this.#forgive(extender, e, unchanged))
      nodes = said.nodes
      for (const [name, reason] of Object.entries({ ...said.failed, ...said.unresolvable }))
        reasons.set(reason, [...(reasons.get(reason) ?? []), name])
    }
    const raised = new Map<string, number>()
    const scoring = nodes.length > 1 ? this.#concerned(info.pod, e => e.rules.prioritizeVerb) : []
    const answers = scoring.map(e => e.prioritize(info, nodes, signal).catch(error => this.#doWithout(error)))
    for (const scores of await Promise.all(answers))
      for (const [name, score] of scores) raised.set(name, (raised.get(name) ?? 0) + score)
    return { nodes, raised, unfit: this.#unfitFor(reasons) }
  }

  #unfitFor(reasons: ReadonlyMap<string, string[]>): Unfit {
    const plugin = extenderPlugin
    const groups = [...reasons].map(([reason, nodes]) => ({ plugin, reason, count: nodes.length, nodes }))
    const failure = { nodes: this.#options.nodes(), groups, plugins: new Set([plugin]) }
    return { node: undefined, failure, evictable: [], hopeless: [], refusalWith: () => [], lasting: false }
  }

  #concerned(pod: PodInfo['pod'], does: (e: Extender) => string | undefined): Extender[] {
    return this.#options.extenders.filter(e => does(e) && e.concerns(pod))
  }

  /** @returns what holds without an extender that may be ignored. @throws the error otherwise */
  #forgive<T>(extender: Extender, error: unknown, without: T): T {
    if (!extender.rules.ignorable) throw error
    this.#options.log.warn({ error: explain(error) }, 'extender ignored')
    return without
  }

  /** Scores are a wish: without them the pod is placed all the same. */
  #doWithout(error: unknown): Map<string, number> {
    this.#options.log.warn({ error: explain(error) }, 'extender did not score')
    return new Map()
  }
}
