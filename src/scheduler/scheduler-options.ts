import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import type { Client, EventRecorder, InformerSet } from '../client/index.ts'
import type { Pod } from '../models/types/core-v1.ts'
import type { Attempt } from './attempts.ts'
import type { Explanation } from './explain/explanation.ts'
import type { Extender } from './extenders/extender.ts'
import type { Profile } from './plugins/index.ts'
import type { RebalanceOptions, RebalancePlan } from './rebalance/rebalance.ts'
import type { SchedulingQueue } from './scheduling-queue.ts'
import type { Scenario, Simulation } from './simulate/simulate.ts'

export interface SchedulerOptions {
  client: Client
  informers: InformerSet
  clock: Clock
  random: Random
  log: Logger
  events: EventRecorder
  /** Kubernetes' default rules unless given; one for each schedulerName. */
  profile?: Profile | readonly Profile[]
  /** Other programs that have a say, asked in this order. */
  extenders?: readonly Extender[]
  metrics?: SchedulerMetrics
}

export interface SchedulerMetrics {
  /** One try to place a pod, how long deciding took, and the schedulerName that the pod names. */
  attempted?(result: 'scheduled' | 'unschedulable' | 'error', decisionMs: number, profile: string): void
  /** From its first sight to its binding, in milliseconds, and the tries that it took. */
  bound?(sinceSeenMs: number, attempts: number): void
  preempted?(victims: number): void
}

export interface SchedulerStats {
  scheduled: number
  unschedulable: number
  /** Bindings that the API refused or that never arrived. */
  failedBindings: number
  victims: number
  /** Pods without a node, by where they wait. */
  waiting: ReturnType<SchedulingQueue['counts']>
}

export interface Scheduler extends AsyncDisposable {
  /** Waits for the caches, then places pods; with `watchOnly` it only knows the cluster, and can explain. */
  start(options?: { watchOnly?: boolean }): Promise<void>
  /** Takes no more pods; resolves when what is being written is written. */
  stop(): Promise<void>
  stats(): SchedulerStats
  /** Many pods wait for their turn or their binding: what can wait should. */
  busy(): boolean
  /** What came of the latest try to place the pod with this uid. */
  attempt(uid: string): Attempt | undefined
  /** Asks every node anew about a pod, which need not exist: who refuses it and why, what would let it in, how nodes score. */
  explain(pod: Pod): Explanation
  /** What would happen, in a fork of the cluster as it is known now. */
  simulate(scenario: Scenario): Simulation
  /** Which moves would let in pods that wait. Nothing is moved. */
  planRebalance(options: RebalanceOptions): RebalancePlan
}
