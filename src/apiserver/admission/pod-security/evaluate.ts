import { baselineChecks } from './baseline.ts'
import type { PodCheck, PodLike, Violation } from './check.ts'
import { type LevelVersion, policyText } from './policy.ts'
import { restrictedChecks } from './restricted.ts'

type Check = PodCheck['versions'][number]['check']

/** The newest version in which any rule changed. */
const newest = Math.max(...[...baselineChecks, ...restrictedChecks].flatMap(c => c.versions.map(v => v.since)))
const chosen = new Map<string, Check[]>()

/** Everything that the pod does and the level does not allow; [] when it may run. */
export function violations(policy: LevelVersion, pod: PodLike): Violation[] {
  if (policy.level === 'privileged') return []
  return checksOf(policy).flatMap(check => check(pod) ?? [])
}

function checksOf({ level, version }: LevelVersion): Check[] {
  const minor = version === 'latest' ? newest : Math.min(version, newest)
  const key = policyText({ level, version: minor })
  let checks = chosen.get(key)
  if (!checks) {
    const of = (list: PodCheck[]) =>
      list.flatMap(({ id, versions }) => {
        const current = versions.findLast(v => v.since <= minor)
        return current ? [{ id, ...current }] : []
      })
    const restricted = level === 'restricted' ? of(restrictedChecks) : []
    const overridden = restricted.flatMap(c => c.overrides ?? [])
    checks = [...of(baselineChecks).filter(c => !overridden.includes(c.id)), ...restricted].map(c => c.check)
    chosen.set(key, checks)
  }
  return checks
}

/** `host namespaces (hostPID=true), privileged (container "x" must not …)` */
export const violationDetails = (list: Violation[]): string =>
  list.map(({ reason, detail }) => (detail ? `${reason} (${detail})` : reason)).join(', ')

export const violationReasons = (list: Violation[]): string => list.map(({ reason }) => reason).join(', ')
