import { same } from '../../../base/equality.ts'
import { invalidError } from '../../../models/api-error.ts'
import {
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  Namespace,
  Pod,
  PodTemplate,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import { type Admission, type AdmissionPlugin, forbidden, isOf } from '../chain.ts'
import { labelsOfNamespace } from '../namespace-labels.ts'
import type { PodLike } from './check.ts'
import { violationDetails, violations } from './evaluate.ts'
import type { EvaluationMetrics } from './evaluation-metrics.ts'
import { existingPodWarnings } from './existing-pods.ts'
import {
  compareLevels,
  type LevelVersion,
  openPolicy,
  type Policy,
  policyOf,
  policyOfKept,
  policyText,
} from './policy.ts'

export interface PodSecurityOptions {
  /** For namespaces without labels; privileged unless said otherwise. */
  defaults: Policy
  /** Who and what no level is asked of. */
  exempt: { namespaces: string[]; usernames: string[]; runtimeClasses: string[] }
}

const unlimited: PodSecurityOptions = {
  defaults: openPolicy,
  exempt: { namespaces: [], usernames: [], runtimeClasses: [] },
}
const workloads = [
  ...[ReplicationController, PodTemplate, ReplicaSet, Deployment, StatefulSet, DaemonSet, Job, CronJob],
]
const otherSubresources = ['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status']

/** The Pod Security Standards: namespaces say by labels what their pods may do to the node. */
export function podSecurity(options: PodSecurityOptions = unlimited, metrics?: EvaluationMetrics): AdmissionPlugin {
  return {
    name: 'PodSecurity',
    handles: (resource, operation, subresource) =>
      (operation === 'CREATE' || operation === 'UPDATE') &&
      (isOf(resource, Pod)
        ? !otherSubresources.includes(subresource)
        : subresource === '' && isOf(resource, Namespace, ...workloads)),
    validate(admission) {
      if (isOf(admission.resource, Namespace)) checkNamespace(admission, options)
      else checkPod(admission, options, metrics)
    },
  }
}

const annotation = (key: string) => `pod-security.kubernetes.io/${key}`

function checkPod(admission: Admission, { defaults, exempt }: PodSecurityOptions, metrics?: EvaluationMetrics): void {
  const { core, namespace, object, previous, resource } = admission
  const policy = policyOfKept(labelsOfNamespace(core, namespace!), defaults)
  const isPod = isOf(resource, Pod)
  const pod = isPod ? (object as unknown as PodLike) : templateOf(object!)
  const exemption = exemptionOf(admission, pod, exempt)
  if (exemption) core.annotate(annotation('exempt'), exemption)
  else if (isPod) core.annotate(annotation('enforce-policy'), policyText(policy.enforce))
  if (exemption) metrics?.exempted(admission)
  if (exemption || !pod?.spec) return
  if (isOpen(policy.warn) && isOpen(policy.audit) && (!isPod || isOpen(policy.enforce))) {
    if (isPod) metrics?.evaluated(admission, 'enforce', policy.enforce, 'allow')
    return
  }
  if (isPod && previous && !hasOtherImages(object!, previous)) return
  const audited = violations(policy.audit, pod)
  if (audited.length) {
    core.annotate(annotation('audit-violations'), wouldViolate(policy.audit, audited))
    metrics?.evaluated(admission, 'audit', policy.audit, 'deny')
  }
  const found = isPod ? violations(policy.enforce, pod) : []
  if (isPod) metrics?.evaluated(admission, 'enforce', policy.enforce, found.length ? 'deny' : 'allow')
  if (found.length)
    throw forbidden(admission, `violates PodSecurity "${policyText(policy.enforce)}": ${violationDetails(found)}`)
  const warned = violations(policy.warn, pod)
  if (!warned.length) return
  admission.warnings.push(wouldViolate(policy.warn, warned))
  metrics?.evaluated(admission, 'warn', policy.warn, 'deny')
}

/** Why no level is asked of it, if none is. */
function exemptionOf(
  { namespace, user }: Admission,
  pod: PodLike | undefined,
  exempt: PodSecurityOptions['exempt'],
): 'namespace' | 'user' | 'runtimeClass' | undefined {
  if (exempt.namespaces.includes(namespace!)) return 'namespace'
  if (exempt.usernames.includes(user.username)) return 'user'
  return pod?.spec && exempt.runtimeClasses.includes(pod.spec.runtimeClassName ?? '') ? 'runtimeClass' : undefined
}

const isOpen = ({ level }: LevelVersion) => level === 'privileged'

const wouldViolate = (level: LevelVersion, found: ReturnType<typeof violations>) =>
  `would violate PodSecurity "${policyText(level)}": ${violationDetails(found)}`

function checkNamespace(admission: Admission, { defaults, exempt }: PodSecurityOptions): void {
  const { core, object, previous, resource, name } = admission
  const next = policyOf(object!.metadata.labels, defaults)
  const before = previous && policyOf(previous.metadata.labels, defaults)
  if (next.errors.length && !same(next.errors, before?.errors)) throw invalidError(resource.kind, name, next.errors)
  if (!before || exempt.namespaces.includes(name)) return
  const [wanted, had] = [next.policy.enforce, before.policy.enforce]
  const stricter = compareLevels(wanted.level, had.level) > 0 || wanted.version !== had.version
  if (wanted.level === 'privileged' || !stricter) return
  admission.warnings.push(...existingPodWarnings(core, name, wanted, exempt.runtimeClasses))
}

/** Nothing else that is looked at can change in a pod. */
function hasOtherImages(next: AnyObject, before: AnyObject): boolean {
  const images = (pod: AnyObject) =>
    ['containers', 'initContainers', 'ephemeralContainers'].map(list =>
      (pod['spec'][list] ?? []).map(({ name, image }: { name: string; image: string }) => [name, image]),
    )
  return !same(images(next), images(before))
}

function templateOf(object: AnyObject): PodLike | undefined {
  const template = object['template'] ?? object['spec']?.jobTemplate?.spec?.template ?? object['spec']?.template
  return template && { metadata: template.metadata ?? {}, spec: template.spec }
}
