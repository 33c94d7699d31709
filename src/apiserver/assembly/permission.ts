import type { Registry } from 'prom-client'
import { builtInPlugins } from '../admission/built-in.ts'
import { mutatingAdmissionPolicies } from '../admission/policies/mutating-admission-policy.ts'
import { validatingAdmissionPolicies } from '../admission/policies/validating-admission-policy.ts'
import { resourceQuota } from '../admission/resource-quota.ts'
import type { AddressRange } from '../admission/service-ranges.ts'
import { mutatingWebhooks } from '../admission/webhooks/mutating-webhooks.ts'
import { validatingWebhooks } from '../admission/webhooks/validating-webhooks.ts'
import { WebhookMetrics } from '../admission/webhooks/webhook-metrics.ts'
import type { AuthorizerChoice, PlainAuthorizer } from '../authz/authorization-configuration.ts'
import { type Authorizer, mastersMayAll, publicInfo } from '../authz/authorizer.ts'
import { NodeAuthorizer } from '../authz/node/node-authorizer.ts'
import { NodeObjects } from '../authz/node/node-objects.ts'
import { PodsByNode } from '../authz/node/pods-by-node.ts'
import { RbacAuthorizer } from '../authz/rbac/rbac-authorizer.ts'
import { AuthorizationMetrics } from '../authz/webhook/authorization-metrics.ts'
import { WebhookAuthorizer } from '../authz/webhook/webhook-authorizer.ts'
import type { Core } from '../core.ts'
import type { ApiServerOptions, Outside } from './options.ts'

const usual: AuthorizerChoice[] = [{ type: 'Node' }, { type: 'RBAC' }]
const everybodyMayAll: Authorizer = { authorize: () => ({ allowed: true, reason: 'AlwaysAllow' }) }
const nobodyMay: Authorizer = { authorize: () => undefined, whyNot: () => 'Everything is forbidden.' }

/** Lets those in who may do something. @returns the one who knows the roles */
export function addAuthorizers(
  core: Core,
  { authorization = usual, authorizers = [] }: Pick<ApiServerOptions, 'authorization' | 'authorizers'>,
  outside: Outside,
  registry: Registry,
): RbacAuthorizer {
  const metrics = new AuthorizationMetrics(registry)
  const rbac = new RbacAuthorizer(core)
  const nodes = new NodeAuthorizer(new PodsByNode(core), new NodeObjects(core))
  const plain: Record<PlainAuthorizer, Authorizer[]> = {
    Node: [nodes],
    RBAC: [publicInfo, rbac],
    AlwaysAllow: [everybodyMayAll],
    AlwaysDeny: [nobodyMay],
  }
  const chosen = authorization.flatMap(choice => {
    if (choice.type !== 'Webhook') return plain[choice.type]
    const webhook = new WebhookAuthorizer(choice.webhook, outside, metrics)
    core.closing.addEventListener('abort', () => webhook[Symbol.dispose](), { once: true })
    return [webhook]
  })
  core.authorizer.add(mastersMayAll, ...chosen, ...authorizers)
  return rbac
}

/** The rules of the house, then those of its users; what is charged to quotas comes last, when all is settled. */
export function addAdmission(
  { admission, authorizer }: Core,
  options: ApiServerOptions,
  { rbac, addresses, registry }: { rbac: RbacAuthorizer; addresses: AddressRange[]; registry: Registry },
): void {
  const { podSecurity, nodePorts = { first: 30_000, last: 32_767 } } = options
  const webhookMetrics = new WebhookMetrics(registry)
  const plugins = [
    ...builtInPlugins({ authorizer, rbac, addresses, nodePorts, podSecurity }),
    mutatingAdmissionPolicies(authorizer),
    mutatingWebhooks(authorizer, webhookMetrics),
    validatingAdmissionPolicies(authorizer),
    validatingWebhooks(authorizer, webhookMetrics),
    ...(options.admission ?? []),
    resourceQuota(options.limitedResources),
  ]
  admission.add(...plugins.filter(plugin => !options.withoutAdmission?.includes(plugin.name)))
}
