import { type BestRow, bestAmong, placeOfHighest } from './best-rows.ts'
import { byName, type Chance } from './chance.ts'
import { type Active, activate, ClassPlan, firstRefusal, hasScores, Refusals } from './class-plan.ts'
import type { ClusterState } from './cluster-state.ts'
import { nobody } from './nominations.ts'
import type { BindingWorld, Reservation, SchedulerPlugin } from './plugin.ts'
import type { Profile, WeightedPlugin } from './plugins/index.ts'
import type { PodInfo } from './pod-class.ts'
import { addWeighted, normalize, pick, scoreNodes } from './scoring.ts'
import type { NodeView } from './snapshot.ts'
import { refusedEverywhere, type Unfit, unfit } from './unfit.ts'

export type { Unfit } from './unfit.ts'

export type Decision = Fit | Unfit

export interface Fit {
  node: NodeView
  /** Nodes that would have done. */
  fitting: number
  score: number
}

export interface Ranking {
  fitting: readonly NodeView[]
  /** Weighted sums of scores; totals[i] is of fitting[i]. */
  totals: Float64Array
}

/** What fits, until the next decision. */
interface Fitting {
  /** In the order in which they were asked. */
  rows: Int32Array
  verdicts: Int32Array
  /** Only nodes that plugins named were asked. */
  named: boolean
}

/** Pods that were promised room on a node by preemption, by node name. */
export type Nominated = (nodeName: string) => Iterable<PodInfo>

/** Plans kept at once; each costs some 16 bytes a node. */
const mostPlans = 256

const outside: SchedulerPlugin = { name: '', prepare: () => undefined }

/** Decides for one pod at a time: which node, or why none. Pure: it changes nothing but its memory of earlier work. */
export class Decider {
  #profile!: Profile
  #nodePlugins!: readonly WeightedPlugin[]
  /** Those of them that may refuse. */
  #judging!: readonly WeightedPlugin[]
  #clusterPlugins!: readonly WeightedPlugin[]
  #reserving!: readonly WeightedPlugin[]
  /** The node that a preemption clears for the pod. */
  readonly promisedNode: (info: PodInfo) => string | undefined
  readonly #state: ClusterState
  readonly #chance: Chance
  readonly #nominated: Nominated
  readonly #refusals = new Refusals()
  readonly #plans = new Map<string, ClassPlan>()
  /** Plans hold for all classes of one shape. */
  #byShape!: boolean
  /** By row, the refusals of the decision under way. */
  #verdicts = new Int32Array(0)
  /** By place among those that fit: their rows, sums of scores, and scores of one plugin. */
  #rows = new Int32Array(0)
  #sums = new Float64Array(0)
  #scores = new Float64Array(0)
  /** What no node could do for a class, as long as nothing has changed. */
  readonly #failures = new Map<number, { sequence: number; decision: Unfit }>()

  constructor(
    profile: Profile,
    state: ClusterState,
    nominated: Nominated = () => nobody,
    chance: Chance = byName,
    promisedNode: (info: PodInfo) => string | undefined = info => info.pod.status?.nominatedNodeName,
  ) {
    this.promisedNode = promisedNode
    this.#state = state
    this.#chance = chance
    this.#nominated = nominated
    this.use(profile)
  }

  get profile(): Profile {
    return this.#profile
  }

  /** Decides by these rules from now on. */
  use(profile: Profile): void {
    this.#profile = profile
    this.#nodePlugins = profile.plugins.filter(p => p.plugin.scope !== 'cluster')
    this.#judging = this.#nodePlugins.filter(p => p.plugin.filter ?? p.plugin.refuseAll)
    this.#clusterPlugins = profile.plugins.filter(p => p.plugin.scope === 'cluster')
    this.#byShape = this.#nodePlugins.every(p => p.plugin.byShape)
    this.#reserving = profile.plugins.filter(p => p.plugin.reserve)
    this.#plans.clear()
    this.#failures.clear()
  }

  decide(info: PodInfo): Decision {
    const { sequence } = this.#state
    const known = this.#failures.get(info.class.id)
    if (known?.sequence === sequence) return known.decision
    const plan = this.#planFor(info)
    const cluster = activate(this.#clusterPlugins, this.#state, info)
    const decision = this.#refusedByAll(plan, cluster) ?? this.#amongAll(plan, cluster, info)
    if (!decision.node && decision.lasting && !info.personal) {
      if (this.#failures.size >= mostPlans) this.#failures.clear()
      this.#failures.set(info.class.id, { sequence, decision })
    }
    return decision
  }

  /** All nodes that fit, with their scores, for whoever else has a say; or why there are none. */
  rank(info: PodInfo): Ranking | Unfit {
    const plan = this.#planFor(info)
    const cluster = activate(this.#clusterPlugins, this.#state, info)
    const refused = this.#refusedByAll(plan, cluster)
    if (refused) return refused
    const named = plan.candidates !== undefined
    if (!named) plan.refresh()
    const found = named ? this.#fittingAmong(plan.candidates!, plan, cluster) : this.#fittingAnywhere(plan, cluster)
    const { rows, verdicts } = found
    if (!rows.length) return this.#unfit(verdicts, [...plan.actives, ...cluster], { named, lasting: false })
    return { fitting: this.#nodesOf(rows), totals: this.#totals(found, plan, cluster).slice() }
  }

  /** The first refusal of one node, asked afresh; undefined if the pod fits there now. */
  check(info: PodInfo, node: NodeView): readonly string[] | undefined {
    return this.checker(info)(node)
  }

  /**
   * `check` for one pod many times over, while pods come and go that were there when this was called. Rules that had no say
   * about the pod then have none later.
   */
  checker(info: PodInfo): (node: NodeView) => readonly string[] | undefined {
    // Beside an imagined node nobody is scored.
    const { imagining } = this.#state
    const actives = imagining ? activate(this.#judging, this.#state, info) : this.#planFor(info).actives
    const having = activate(this.#clusterPlugins, this.#state, info)
    const again = this.#clusterPlugins.filter(p => having.some(a => a.plugin === p.plugin))
    return node => {
      const id = this.#refusalOf(actives, node) || this.#refusalOf(activate(again, this.#state, info), node)
      return id ? this.#refusals.get(id).reasons : undefined
    }
  }

  /** The same, and also as if the pods were there that were promised room on the node before and matter as much. */
  checkerWithPromised(info: PodInfo): (node: NodeView) => readonly string[] | undefined {
    const check = this.checker(info)
    return node => check(node) ?? this.#checkBesidePromised(info, node)
  }

  /** Whether the pod fits a node can be told from that node alone. */
  asksNodesAlone(info: PodInfo): boolean {
    const refuses = ({ plugin, state }: Active) => plugin.filter !== undefined && (plugin.refuses?.(state) ?? true)
    return !activate(this.#clusterPlugins, this.#state, info).some(refuses)
  }

  /** To whom room on the node is promised. */
  promisedOn({ name }: NodeView): readonly PodInfo[] {
    const promised = this.#nominated(name)
    return promised === nobody ? nobody : [...promised]
  }

  #refusalOf(actives: readonly Active[], node: NodeView): number {
    for (const { plugin, state } of actives) {
      const reason = plugin.refuseAll?.(state)
      if (reason) return this.#refusals.id(plugin, reason)
    }
    return firstRefusal(actives, node, this.#refusals)
  }

  /** What plugins take for the pod on the node that was chosen for it. */
  reserve(info: PodInfo, node: NodeView): Reservation[] {
    const taken: Reservation[] = []
    for (const { plugin, state } of activate(this.#reserving, this.#state, info)) {
      const reservation = plugin.reserve!(state, node)
      if (reservation) taken.push(reservation)
    }
    return taken
  }

  /** What plugins that refused the pod would write to help it, if anything. */
  relieve(info: PodInfo, { failure: { groups, plugins } }: Unfit): ((world: BindingWorld) => Promise<void>)[] {
    const helping = this.#profile.plugins.filter(p => p.plugin.relieve && plugins.has(p.plugin.name))
    return activate(helping, this.#state, info).flatMap(({ plugin, state }) => {
      const names = groups.flatMap(g => (g.plugin === plugin.name ? g.nodes : []))
      const refused = names.flatMap(name => this.#state.byName(name) ?? [])
      return plugin.relieve!(state, refused) ?? []
    })
  }

  /** Those of the plugins that have a say about the pod, asked afresh. */
  actives(info: PodInfo): Active[] {
    return activate(this.profile.plugins, this.#state, info)
  }

  /** Weighted scores of one node by plugin, before they are set in relation to other nodes. */
  scoresOf(info: PodInfo, node: NodeView): Record<string, number> {
    const out: Record<string, number> = {}
    for (const a of activate(this.profile.plugins, this.#state, info).filter(hasScores)) {
      a.plugin.prepareScore?.(a.state, [node])
      out[a.plugin.name] = a.plugin.score!(a.state, node)
    }
    return out
  }

  #planFor(info: PodInfo): ClassPlan {
    const id = this.#byShape ? info.class.shape : `${info.class.id}`
    const known = this.#plans.get(id)
    const plan =
      known?.epoch === this.#state.epoch ? known : new ClassPlan(this.#nodePlugins, this.#state, this.#refusals, info)
    // Pods bound for one node each have a class each: not worth remembering. Nor is what holds beside an imagined node.
    if (plan.candidates || this.#state.imagining) return plan
    this.#plans.delete(id)
    this.#plans.set(id, plan)
    if (this.#plans.size > mostPlans) this.#plans.delete(this.#plans.keys().next().value!)
    return plan
  }

  #refusedByAll(plan: ClassPlan, cluster: Active[]): Unfit | undefined {
    for (const { plugin, state } of [...plan.actives, ...cluster]) {
      const reason = plugin.refuseAll?.(state)
      if (reason) return refusedEverywhere(plugin.name, reason, this.#state.nodes.length)
    }
    return undefined
  }

  #amongAll(plan: ClassPlan, cluster: Active[], info: PodInfo): Decision {
    return plan.candidates ? this.#among(plan.candidates, plan, cluster, info) : this.#anywhere(plan, cluster, info)
  }

  #anywhere(plan: ClassPlan, cluster: Active[], info: PodInfo): Decision {
    plan.refresh()
    // The node that a preemption has emptied for this pod comes first.
    const promised = this.promisedNode(info)
    const node = promised ? this.#state.byName(promised) : undefined
    if (node && plan.refusal[node.index] === 0 && !firstRefusal(cluster, node, this.#refusals)) {
      if (this.#leavesRoom(info, node)) return { node, fitting: 1, score: 0 }
    }
    if (!plan.relative.length && !cluster.some(hasScores)) {
      const best = this.#bestOnItsOwn(plan, cluster, info)
      const top = best && this.#state.row(best.row)!
      if (top && this.#leavesRoom(info, top)) return { node: top, fitting: best.fitting, score: best.score }
    }
    return this.#best(this.#fittingAnywhere(plan, cluster), plan, cluster, info)
  }

  /** No score depends on other nodes. Among equals the first from a random place: no node is favoured for its name. */
  #bestOnItsOwn(plan: ClassPlan, cluster: Active[], info: PodInfo): BestRow | undefined {
    const chance = this.#chance(info)
    if (!cluster.length) return plan.best(Math.floor(chance * this.#state.rows))
    return bestAmong(this.#verdictsAnywhere(plan, cluster), plan.score, chance)
  }

  #verdictsAnywhere(plan: ClassPlan, cluster: Active[]): Int32Array {
    const verdicts = this.#roomForVerdicts()
    for (let row = 0; row < verdicts.length; row++) verdicts[row] = plan.refusal[row]!
    for (const active of cluster) this.#refuseRows(active, verdicts)
    return verdicts
  }

  #fittingAnywhere(plan: ClassPlan, cluster: Active[]): Fitting {
    const verdicts = this.#verdictsAnywhere(plan, cluster)
    const rows = this.#roomFor(verdicts.length)
    let fitting = 0
    for (let row = 0; row < verdicts.length; row++) if (verdicts[row] === 0) rows[fitting++] = row
    return { rows: rows.subarray(0, fitting), verdicts, named: false }
  }

  #roomFor(rows: number): Int32Array {
    if (this.#rows.length < rows) this.#rows = new Int32Array(rows)
    return this.#rows
  }

  #nodesOf(rows: Int32Array): NodeView[] {
    const nodes: NodeView[] = []
    for (let i = 0; i < rows.length; i++) nodes.push(this.#state.row(rows[i]!)!)
    return nodes
  }

  #refuseRows({ plugin, state }: Active, verdicts: Int32Array): void {
    if (plugin.refuseRows) {
      plugin.refuseRows(state, verdicts, reason => this.#refusals.id(plugin, reason))
      return
    }
    if (!plugin.filter) return
    for (let row = 0; row < verdicts.length; row++) {
      if (verdicts[row]) continue
      const reason = plugin.filter(state, this.#state.row(row)!)
      if (reason !== undefined) verdicts[row] = this.#refusals.id(plugin, reason)
    }
  }

  #roomForVerdicts(): Int32Array {
    const { rows } = this.#state
    if (this.#verdicts.length !== rows) this.#verdicts = new Int32Array(rows)
    return this.#verdicts
  }

  #among(names: ReadonlySet<string>, plan: ClassPlan, cluster: Active[], info: PodInfo): Decision {
    return this.#best(this.#fittingAmong(names, plan, cluster), plan, cluster, info)
  }

  #fittingAmong(names: ReadonlySet<string>, plan: ClassPlan, cluster: Active[]): Fitting {
    const verdicts = this.#roomForVerdicts().fill(0)
    const rows = this.#roomFor(verdicts.length)
    let fitting = 0
    for (const name of names) {
      const node = this.#state.byName(name)
      if (!node) continue
      const id = plan.refuse(node) || firstRefusal(cluster, node, this.#refusals)
      if (id) verdicts[node.index] = id
      else rows[fitting++] = node.index
    }
    return { rows: rows.subarray(0, fitting), verdicts, named: true }
  }

  #best(found: Fitting, plan: ClassPlan, cluster: Active[], info: PodInfo): Decision {
    const { rows, verdicts: refused, named } = found
    const totals = rows.length > 1 ? this.#totals(found, plan, cluster) : new Float64Array(rows.length)
    const start = Math.floor(this.#chance(info) * rows.length)
    for (let left = rows.length; left > 0; left--) {
      const best = placeOfHighest(totals, start)
      const node = this.#state.row(rows[best]!)!
      if (this.#leavesRoom(info, node)) return { node, fitting: rows.length, score: totals[best]! }
      refused[node.index] = this.#roomRefusal(info, node)
      totals[best] = Number.NEGATIVE_INFINITY
    }
    return this.#unfit(refused, [...plan.actives, ...cluster], { named, lasting: !rows.length })
  }

  /** They stand until the next decision. */
  #totals({ rows, named }: Fitting, plan: ClassPlan, cluster: Active[]): Float64Array {
    if (this.#sums.length < rows.length) {
      this.#sums = new Float64Array(this.#state.rows)
      this.#scores = new Float64Array(this.#state.rows)
    }
    const totals = this.#sums.subarray(0, rows.length)
    const scores = this.#scores.subarray(0, rows.length)
    const others = cluster.filter(hasScores)
    const nodes = named || others.length ? this.#nodesOf(rows) : []
    if (!named) pick(plan.score, rows, totals)
    else for (let i = 0; i < nodes.length; i++) totals[i] = plan.scoreOf(nodes[i]!)
    for (const { active, scores: known } of plan.relative) {
      if (!named) {
        pick(known, rows, scores)
        normalize(active, scores, rows)
      } else scoreNodes(active, nodes, scores, rows)
      addWeighted(totals, scores, active.weight)
    }
    for (const active of others) {
      scoreNodes(active, nodes, scores, rows)
      addWeighted(totals, scores, active.weight)
    }
    return totals
  }

  #leavesRoom(info: PodInfo, node: NodeView): boolean {
    return this.#checkBesidePromised(info, node) === undefined
  }

  #checkBesidePromised(info: PodInfo, node: NodeView): readonly string[] | undefined {
    const promised: PodInfo[] = []
    for (const other of this.#nominated(node.name)) {
      // Of a gang that is being tried, those tried before stand there already.
      const there = other.uid === info.uid || node.placed.some(p => p.uid === other.uid)
      if (!there && other.priority >= info.priority) promised.push(other)
    }
    if (!promised.length) return undefined
    return this.#state.speculate(() => {
      for (const pod of promised) this.#state.addPod(pod, node.name)
      try {
        return this.check(info, node)
      } finally {
        for (const pod of promised) this.#state.removePod(pod, node.name)
      }
    })
  }

  #roomRefusal(info: PodInfo, node: NodeView): number {
    const reasons = this.#checkBesidePromised(info, node) ?? []
    return this.#refusals.id(fitPlugin(this.profile), [...reasons])
  }

  #unfit(refused: Int32Array, actives: readonly Active[], how: { named: boolean; lasting: boolean }): Unfit {
    return unfit(this.#state, refused, this.#refusals, actives, how)
  }
}

function fitPlugin(profile: Profile): SchedulerPlugin {
  return profile.plugins.find(p => p.plugin.name === 'NodeResourcesFit')?.plugin ?? outside
}
