import { Gauge, type Registry } from 'prom-client'
import { TallyCounter, TallyHistogram } from '../base/tallies.ts'
import type { Scheduler, SchedulerMetrics } from '../scheduler/index.ts'

const doubling = (first: number, count: number) => Array.from({ length: count }, (_, i) => first * 2 ** i)
/** From here on a pod's tries are counted as one number of them. */
const manyAttempts = 15

/**
 * What kube-scheduler tells of its work, under its names. `scheduling_attempt_duration_seconds` is of the decision alone: a
 * binding goes on while the next pod is decided.
 */
export function schedulerMetrics(registry: Registry): SchedulerMetrics & { follow(scheduler: Scheduler): void } {
  const registers = [registry]
  const name = (text: string) => `scheduler_${text}`
  const labelNames = ['result', 'profile']
  const attempts = new TallyCounter({
    name: name('schedule_attempts_total'),
    help: 'Tries to place a pod, by what came of them.',
    ...{ labelNames, registers },
  })
  const durations = new TallyHistogram({
    name: name('scheduling_attempt_duration_seconds'),
    help: 'Time to decide where a pod goes, or that it goes nowhere.',
    ...{ labelNames, registers, buckets: doubling(0.001, 15) },
  })
  const decisions = new TallyHistogram({
    name: name('scheduling_algorithm_duration_seconds'),
    help: 'The same, for all results together.',
    ...{ registers, buckets: doubling(0.001, 15) },
  }).of()
  const untilBound = new TallyHistogram({
    name: name('pod_scheduling_sli_duration_seconds'),
    help: 'Time from the first sight of a pod to its binding, by the tries that it took.',
    ...{ labelNames: ['attempts'], registers, buckets: doubling(0.01, 20) },
  })
  const tries = new TallyHistogram({
    name: name('pod_scheduling_attempts'),
    help: 'Tries until a pod was bound.',
    ...{ registers, buckets: doubling(1, 5) },
  }).of()
  const preemptions = new TallyCounter({
    name: name('preemption_attempts_total'),
    help: 'Times that room was made for a pod by ending others.',
    registers,
  }).of()
  const victims = new TallyHistogram({
    name: name('preemption_victims'),
    help: 'Pods that were ended for one.',
    ...{ registers, buckets: doubling(1, 7) },
  }).of()
  let followed: Scheduler | undefined
  new Gauge({
    name: name('pending_pods'),
    help: 'Pods without a node, by where they wait.',
    ...{ labelNames: ['queue'], registers },
    collect() {
      if (!followed) return
      const { active, backoff, parked, gated } = followed.stats().waiting
      for (const [queue, count] of Object.entries({ active, backoff, unschedulable: parked, gated }))
        this.set({ queue }, count)
    },
  })
  return {
    attempted(result, decisionMs, profile) {
      attempts.of({ result, profile }).inc()
      durations.of({ result, profile }).observe(decisionMs / 1_000)
      if (result !== 'error') decisions.observe(decisionMs / 1_000)
    },
    bound(sinceSeenMs, attempt) {
      tries.observe(attempt)
      const shown = attempt >= manyAttempts ? `${manyAttempts}+` : String(attempt)
      untilBound.of({ attempts: shown }).observe(sinceSeenMs / 1_000)
    },
    preempted(count) {
      preemptions.inc()
      victims.observe(count)
    },
    /** Whose pods are counted now; another one after a change of leaders. */
    follow(scheduler) {
      followed = scheduler
    },
  }
}
