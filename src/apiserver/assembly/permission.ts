import type { Registry } from 'prom-client'
import { builtInPlugins } from '../admission/built-in.ts'
import { eventRateLimit } from '../admission/event-rate-limit.ts'
import { EvaluationMetrics } from '../admission/pod-security/evaluation-metrics.ts'
import { mutatingAdmissionPolicies } from '../admission/policies/mutating-admission-policy.ts'
import { validatingAdmissionPolicies } from '../admission/policies/validating-admission-policy.ts'
import { resourceQuota } from '../admission/resource-quota.ts'
import { occupancyOf } from '../admission/service-allocator.ts'
import type { AddressRange } from '../admission/service-ranges.ts'
import { mutatingWebhooks } from '../admission/webhooks/mutating-webhooks.ts'
import { validatingWebhooks } from '../admission/webhooks/validating-webhooks.ts'
import { WebhookMetrics } from '../admission/webhooks/webhook-metrics.ts'
import type { AuthorizerChoice } from '../authz/authorization-configuration.ts'
import { ChosenAuthorizers } from '../authz/chosen-authorizers.ts'
import type { RbacAuthorizer } from '../authz/rbac/rbac-authorizer.ts'
import type { Core } from '../core.ts'
import { AllocationMetrics } from '../metrics/allocation-metrics.ts'
import type { ApiServerOptions, Outside } from './options.ts'

const usual: AuthorizerChoice[] = [{ type: 'Node' }, { type: 'RBAC' }]

/** Lets those in who may do something. */
export function addAuthorizers(
  core: Core,
  { authorization = usual, authorizers = [] }: Pick<ApiServerOptions, 'authorization' | 'authorizers'>,
  outside: Outside,
  registry: Registry,
): ChosenAuthorizers {
  const chosen = new ChosenAuthorizers(core, authorizers, outside, registry)
  chosen.choose(authorization)
  return chosen
}

/** The rules of the house, then those of its users; what is charged to quotas comes last, when all is settled. */
export function addAdmission(
  core: Core,
  options: ApiServerOptions,
  { rbac, addresses, registry }: { rbac: RbacAuthorizer; addresses: AddressRange[]; registry: Registry },
): void {
  const { podSecurity, nodePorts = { first: 30_000, last: 32_767 } } = options
  const { admission, authorizer, clock } = core
  const metrics = new WebhookMetrics(registry)
  const ranges = { addresses, nodePorts }
  const allocations = new AllocationMetrics([registry], () => occupancyOf(core, ranges))
  const podSecurityMetrics = new EvaluationMetrics([registry])
  const plugins = [
    ...builtInPlugins({ authorizer, rbac, ...ranges, allocations, podSecurity, podSecurityMetrics }),
    mutatingAdmissionPolicies(authorizer),
    mutatingWebhooks(authorizer, { metrics, credentials: options.webhookCredentials?.mutating }),
    validatingAdmissionPolicies(authorizer),
    validatingWebhooks(authorizer, { metrics, credentials: options.webhookCredentials?.validating }),
    ...(options.admission ?? []),
    ...(options.eventLimits ? [eventRateLimit(options.eventLimits, clock)] : []),
    resourceQuota(options.limitedResources),
  ]
  admission.add(...plugins.filter(plugin => !options.withoutAdmission?.includes(plugin.name)))
}
