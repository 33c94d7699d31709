export type { Attempt } from './attempts.ts'
export { byName, type Chance } from './chance.ts'
export type { ClusterEvent } from './cluster-event.ts'
export { ClusterState } from './cluster-state.ts'
export { BadConfiguration, readConfiguration, type SchedulerConfiguration } from './configuration/configuration.ts'
export { Decider, type Decision } from './decider.ts'
export type { Explanation } from './explain/explanation.ts'
export { Extender } from './extenders/extender.ts'
export type { ExtenderRules } from './extenders/extender-rules.ts'
export { type FitFailure, failureMessage, type RefusalGroup } from './fit-failure.ts'
export type { GpuRequest } from './gpu/gpu-request.ts'
export type { SchedulerPlugin } from './plugin.ts'
export { defaultProfile, type Profile, type WeightedPlugin } from './plugins/index.ts'
export type { PodClass, PodInfo } from './pod-class.ts'
export {
  type Move,
  planRebalance,
  type RebalanceOptions,
  type RebalancePlan,
  type Rescue,
} from './rebalance/rebalance.ts'
export { createScheduler } from './scheduler.ts'
export type { Scheduler, SchedulerMetrics, SchedulerOptions, SchedulerStats } from './scheduler-options.ts'
export {
  movable,
  type Scenario,
  type SimulatedPlacement,
  type SimulatedWorld,
  type Simulation,
  simulate,
} from './simulate/simulate.ts'
export { fromAlibaba, parseTable, podOfLine } from './simulate/trace.ts'
export type { Use, Utilisation } from './simulate/utilisation.ts'
export type { NodeView, Resources, Snapshot } from './snapshot.ts'
