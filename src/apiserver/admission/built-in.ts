import type { AuthorizerChain } from '../authz/authorizer.ts'
import type { RbacAuthorizer } from '../authz/rbac/rbac-authorizer.ts'
import { certificateApproval } from './certificate-approval.ts'
import { certificateConditions } from './certificate-conditions.ts'
import { certificateRequester } from './certificate-requester.ts'
import { certificateSigning } from './certificate-signing.ts'
import { certificateSubjectRestriction } from './certificate-subject-restriction.ts'
import type { AdmissionPlugin } from './chain.ts'
import { defaultIngressClass } from './default-ingress-class.ts'
import { defaultStorageClass } from './default-storage-class.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { denyServiceExternalIps } from './deny-service-external-ips.ts'
import { deviceAdminAccess } from './device-admin-access.ts'
import { limitRanger } from './limit-ranger.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { nodeRestriction } from './node-restriction.ts'
import { ownerReferencesPermissionEnforcement } from './owner-references.ts'
import { persistentVolumeClaimResize } from './persistent-volume-claim-resize.ts'
import type { EvaluationMetrics } from './pod-security/evaluation-metrics.ts'
import { type PodSecurityOptions, podSecurity } from './pod-security/pod-security.ts'
import { priority } from './priority.ts'
import { rbacEscalation } from './rbac-escalation.ts'
import { runtimeClass } from './runtime-class.ts'
import { serviceAccount } from './service-account.ts'
import { ServiceAllocator, type ServiceAllocatorOptions } from './service-allocator.ts'
import { serviceEndpoints } from './service-endpoints.ts'
import { storageObjectInUseProtection } from './storage-object-in-use-protection.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'

export interface BuiltInOptions extends ServiceAllocatorOptions {
  authorizer: AuthorizerChain
  rbac: RbacAuthorizer
  /** Unless given, namespaces without labels allow everything. */
  podSecurity?: PodSecurityOptions | undefined
  /** Where it is counted what that finds. */
  podSecurityMetrics?: EvaluationMetrics
}

/** All but what comes after webhooks, in Kubernetes' order: what a plugin changes, the later ones see. */
export function builtInPlugins(options: BuiltInOptions): AdmissionPlugin[] {
  const { authorizer } = options
  return [
    namespaceLifecycle,
    limitRanger,
    serviceAccount,
    nodeRestriction,
    taintNodesByCondition,
    podSecurity(options.podSecurity, options.podSecurityMetrics),
    priority,
    defaultTolerationSeconds,
    defaultStorageClass,
    storageObjectInUseProtection,
    ownerReferencesPermissionEnforcement(authorizer),
    persistentVolumeClaimResize,
    runtimeClass,
    deviceAdminAccess,
    certificateRequester,
    certificateConditions,
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    certificateSubjectRestriction,
    defaultIngressClass,
    denyServiceExternalIps,
    new ServiceAllocator(options),
    serviceEndpoints,
    rbacEscalation(options),
  ]
}
