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
import type { Core } from '../../core.ts'
import { same } from '../../objects/same.ts'
import { type Admission, type AdmissionPlugin, forbidden, isOf } from '../chain.ts'
import type { PodLike } from './check.ts'
import { violationDetails, violations } from './evaluate.ts'
import { existingPodWarnings } from './existing-pods.ts'
import { compareLevels, openPolicy, type Policy, policyOf, policyText } from './policy.ts'

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
export function podSecurity(options: PodSecurityOptions = unlimited): AdmissionPlugin {
  return {
    name: 'PodSecurity',
    handles: (resource, operation, subresource) =>
      (operation === 'CREATE' || operation === 'UPDATE') &&
      (isOf(resource, Pod)
        ? !otherSubresources.includes(subresource)
        : subresource === '' && isOf(resource, Namespace, ...workloads)),
    validate(admission) {
      if (isOf(admission.resource, Namespace)) checkNamespace(admission, options)
      else checkPod(admission, options)
    },
  }
}

function checkPod(admission: Admission, { defaults, exempt }: PodSecurityOptions): void {
  const { core, namespace, user, object, previous, resource } = admission
  if (exempt.namespaces.includes(namespace!) || exempt.usernames.includes(user.username)) return
  const { policy } = policyOf(labelsOf(core, namespace!), defaults)
  const isPod = isOf(resource, Pod)
  if (policy.warn.level === 'privileged' && (!isPod || policy.enforce.level === 'privileged')) return
  if (isPod && previous && !hasOtherImages(object!, previous)) return
  const pod = isPod ? (object as unknown as PodLike) : templateOf(object!)
  if (!pod?.spec || exempt.runtimeClasses.includes(pod.spec.runtimeClassName ?? '')) return
  const found = isPod ? violations(policy.enforce, pod) : []
  if (found.length)
    throw forbidden(admission, `violates PodSecurity "${policyText(policy.enforce)}": ${violationDetails(found)}`)
  const warned = violations(policy.warn, pod)
  if (warned.length)
    admission.warnings.push(`would violate PodSecurity "${policyText(policy.warn)}": ${violationDetails(warned)}`)
}

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

function labelsOf(core: Core, namespace: string): Record<string, string> | undefined {
  const kept = core.cache.get(core.resources.of(Namespace), undefined, namespace)
  return kept && core.shared(kept).metadata.labels
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
