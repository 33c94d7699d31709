import { Pod } from '../../../models/kinds/index.ts'
import type * as core from '../../../models/types/core-v1.ts'
import type { Core } from '../../core.ts'
import { violationReasons, violations } from './evaluate.ts'
import { type LevelVersion, policyText } from './policy.ts'

const most = 3000

/** What a stricter level would say of the pods that run already: they stay, but could not be made again. */
export function existingPodWarnings(
  { cache, resources, shared }: Core,
  namespace: string,
  policy: LevelVersion,
  exemptRuntimeClasses: string[],
): string[] {
  const kept = cache.bucket(resources.of(Pod)).list(namespace)
  const pods = kept.map(object => shared(object) as unknown as core.Pod)
  const concerned = onePerOwnerFirst(pods.filter(p => !exemptRuntimeClasses.includes(p.spec.runtimeClassName ?? '')))
  const namesByWarning = new Map<string, string[]>()
  for (const pod of concerned.slice(0, most)) {
    const warning = violationReasons(violations(policy, pod))
    if (!warning) continue
    const names = namesByWarning.get(warning)
    if (names) names.push(pod.metadata.name)
    else namesByWarning.set(warning, [pod.metadata.name])
  }
  const text = JSON.stringify(policyText(policy))
  return [
    ...(concerned.length > most
      ? [`new PodSecurity enforce level only checked against the first ${most} of ${concerned.length} existing pods`]
      : []),
    ...(namesByWarning.size
      ? [`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${text}`]
      : []),
    ...[...namesByWarning].map(([warning, names]) => `${named(names)}: ${warning}`).sort(),
  ]
}

function named(names: string[]): string {
  const first = [...names].sort()[0]!
  const others = names.length - 1
  return others === 0 ? first : `${first} (and ${others} other ${others === 1 ? 'pod' : 'pods'})`
}

/** Replicas of one owner are alike: when not all can be looked at, one of each. */
function onePerOwnerFirst(pods: core.Pod[]): core.Pod[] {
  const seen = new Set<string>()
  const [first, others]: [core.Pod[], core.Pod[]] = [[], []]
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find(ref => ref.controller)?.uid
    if (owner !== undefined && seen.has(owner)) others.push(pod)
    else first.push(pod)
    if (owner !== undefined) seen.add(owner)
  }
  return [...first, ...others]
}
