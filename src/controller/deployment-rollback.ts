import type { Deployment, ReplicaSet } from '../models/types/apps-v1.ts'
import { allOf, type Generations, isOwnAnnotation, revisionOf, rollbackAnnotation } from './deployment-replicas.ts'
import { sameTemplate, withoutHash } from './template-hash.ts'

/** The revision that an old client wants back by annotation, 0 for the one before; undefined: none. `kubectl rollout undo` needs none of this. */
export function wantedRollback({ metadata }: Deployment): bigint | undefined {
  const text = metadata.annotations?.[rollbackAnnotation]
  return text !== undefined && /^\d{1,18}$/.test(text) ? BigInt(text) : undefined
}

/** What becomes of the wish: it is taken off in any case, and said what came of it, in Kubernetes' words. */
export interface Rollback {
  deployment: Deployment
  event: { type: 'normal' | 'warning'; reason: string; message: string }
}

export function planRollback(d: Deployment, g: Generations, wanted: bigint): Rollback {
  const all = allOf(g)
  const revision = wanted || lastRevision(all)
  const target = all.find(rs => revision > 0n && revisionOf(rs) === revision)
  const warning = (reason: string, message: string): Rollback => ({
    deployment: withAnnotations(d, d.metadata.annotations),
    event: { type: 'warning', reason, message },
  })
  if (!revision) return warning('DeploymentRollbackRevisionNotFound', 'Unable to find last revision.')
  if (!target) return warning('DeploymentRollbackRevisionNotFound', 'Unable to find the revision to rollback to.')
  const { name } = d.metadata
  if (sameTemplate(target.spec.template, d.spec.template)) {
    const text = `The rollback revision contains the same template as current deployment "${name}"`
    return warning('DeploymentRollbackTemplateUnchanged', text)
  }
  const own = Object.entries(d.metadata.annotations ?? {}).filter(([key]) => isOwnAnnotation(key))
  // What was said of that revision, such as its cause, is said of the Deployment again.
  const theirs = Object.entries(target.metadata.annotations ?? {}).filter(([key]) => !isOwnAnnotation(key))
  const deployment = withAnnotations(d, Object.fromEntries([...own, ...theirs]))
  deployment.spec.template = structuredClone(withoutHash(target.spec.template)!)
  const message = `Rolled back deployment "${name}" to revision ${revision}`
  return { deployment, event: { type: 'normal', reason: 'DeploymentRollback', message } }
}

function withAnnotations(d: Deployment, annotations: Record<string, string> = {}): Deployment {
  const { [rollbackAnnotation]: _, ...rest } = annotations
  return { ...d, metadata: { ...d.metadata, annotations: rest }, spec: structuredClone(d.spec) }
}

/** The second highest; 0 when there is none. */
function lastRevision(sets: readonly ReplicaSet[]): bigint {
  const revisions = sets
    .map(revisionOf)
    .filter(r => r > 0n)
    .sort((a, b) => (a < b ? 1 : -1))
  return revisions[1] ?? 0n
}
