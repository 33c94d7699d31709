import { quantityToMillis } from '../../base/quantity.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import { qosClassOf } from '../pod/qos.ts'

/**
 * Processors that a container gets for itself: whole ones, asked for and limited alike, in a Guaranteed pod.
 * @returns 0: it shares with the others
 * @see https://kubernetes.io/docs/tasks/administer-cluster/cpu-management-policies/#static-policy
 */
export function exclusiveCpus(pod: Pod, container: Container): number {
  const asked = container.resources?.requests?.['cpu'] ?? container.resources?.limits?.['cpu']
  if (asked === undefined || qosClassOf(pod.spec) !== 'Guaranteed') return 0
  const millis = quantityToMillis(asked)
  return millis % 1000 === 0 ? millis / 1000 : 0
}

/**
 * Chooses so many of the free processors: whole cores while they fit, then those of cores that are in use already, so that
 * few containers share a core. Pure.
 * @param cores the threads of each core
 * @returns undefined: there are not so many
 */
export function chooseCpus(free: ReadonlySet<number>, cores: readonly number[][], count: number): number[] | undefined {
  if (free.size < count) return undefined
  const chosen: number[] = []
  const take = (cpus: readonly number[]) => {
    for (const cpu of cpus) if (chosen.length < count && free.has(cpu) && !chosen.includes(cpu)) chosen.push(cpu)
  }
  const isWhole = (core: readonly number[]) => core.every(cpu => free.has(cpu))
  for (const core of cores) if (isWhole(core) && core.length <= count - chosen.length) take(core)
  for (const core of cores) if (!isWhole(core)) take(core)
  for (const core of cores) take(core)
  return chosen.sort((a, b) => a - b)
}

/** The same, but of each core one thread before any core gives a second one. Pure. */
export function spreadCpus(free: ReadonlySet<number>, cores: readonly number[][], count: number): number[] | undefined {
  if (free.size < count) return undefined
  const most = Math.max(0, ...cores.map(core => core.length))
  const rounds = Array.from({ length: most }, (_, thread) => cores.flatMap(core => core.slice(thread, thread + 1)))
  return rounds
    .flat()
    .filter(cpu => free.has(cpu))
    .slice(0, count)
    .sort((a, b) => a - b)
}
