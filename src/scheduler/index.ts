export type { Attempt } from './attempts.ts'
export type { ClusterEvent } from './cluster-event.ts'
export { ClusterState } from './cluster-state.ts'
export { Decider, type Decision } from './decider.ts'
export type { Explanation } from './explain/explanation.ts'
export { type FitFailure, failureMessage, type RefusalGroup } from './fit-failure.ts'
export type { SchedulerPlugin } from './plugin.ts'
export { defaultProfile, type Profile, type WeightedPlugin } from './plugins/index.ts'
export type { PodClass, PodInfo } from './pod-class.ts'
export {
  createScheduler,
  type Scheduler,
  type SchedulerMetrics,
  type SchedulerOptions,
  type SchedulerStats,
} from './scheduler.ts'
export type { NodeView, Resources, Snapshot } from './snapshot.ts'
