import type { MatchResources, MutatingWebhook, ValidatingWebhook } from '../../types/admissionregistration-v1.ts'

/** What a webhook leaves open: it fails closed, for equivalent versions, everywhere, within ten seconds. */
export function defaultWebhook(webhook: MutatingWebhook | ValidatingWebhook): void {
  webhook.failurePolicy ??= 'Fail'
  webhook.matchPolicy ??= 'Equivalent'
  webhook.namespaceSelector ??= {}
  webhook.objectSelector ??= {}
  webhook.timeoutSeconds ??= 10
  for (const rule of webhook.rules ?? []) rule.scope ??= '*'
  const service = webhook.clientConfig?.service
  if (service) service.port ??= 443
}

/** The same for what a policy or its binding matches. */
export function defaultMatch(match: MatchResources | undefined): void {
  if (!match) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  for (const rule of [...(match.resourceRules ?? []), ...(match.excludeResourceRules ?? [])]) rule.scope ??= '*'
}
