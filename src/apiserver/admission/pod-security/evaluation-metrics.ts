import type { Registry } from 'prom-client'
import { TallyCounter } from '../../../base/tallies.ts'
import { Pod } from '../../../models/kinds/index.ts'
import { versionInfo } from '../../health/version.ts'
import { type Admission, isOf } from '../chain.ts'
import type { LevelVersion, Policy } from './policy.ts'

const place = ['request_operation', 'resource', 'subresource'] as const

/** What pods and templates were found to be, under the names by which Kubernetes' Pod Security admission counts it. */
export class EvaluationMetrics {
  readonly #evaluations: TallyCounter
  readonly #exemptions: TallyCounter

  constructor(registers: Registry[]) {
    this.#evaluations = new TallyCounter({
      name: 'pod_security_evaluations_total',
      help: 'Pods and templates that were held against a level, exempt ones not counted.',
      ...{ labelNames: ['decision', 'policy_level', 'policy_version', 'mode', ...place], registers },
    })
    this.#exemptions = new TallyCounter({
      name: 'pod_security_exemptions_total',
      help: 'Pods and templates of which no level was asked.',
      ...{ labelNames: place, registers },
    })
  }

  evaluated(admission: Admission, mode: keyof Policy, policy: LevelVersion, decision: 'allow' | 'deny'): void {
    const { level: policy_level } = policy
    this.#evaluations.of({ decision, policy_level, policy_version: shown(policy), mode, ...placeOf(admission) }).inc()
  }

  exempted(admission: Admission): void {
    this.#exemptions.of(placeOf(admission)).inc()
  }
}

/** Nothing is asked of the privileged, by whichever rules. */
function shown({ level, version }: LevelVersion): string {
  if (version === 'latest' || level === 'privileged') return 'latest'
  return version > Number(versionInfo.minor) ? 'future' : `v1.${version}`
}

const placeOf = ({ operation, resource, subresource }: Admission) => ({
  request_operation: operation.toLowerCase(),
  resource: isOf(resource, Pod) ? 'pod' : 'controller',
  subresource,
})
