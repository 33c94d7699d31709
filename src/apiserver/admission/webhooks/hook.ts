import { compileCondition } from '../../../models/kinds/admissionregistration/match-condition-validation.ts'
import type { Compiled } from '../../../models/kinds/admissionregistration/policy-expressions.ts'
import type { MutatingWebhook, ValidatingWebhook } from '../../../models/types/admissionregistration-v1.ts'
import type { Destination } from '../../outgoing/destination.ts'
import { Matcher } from '../matching/matcher.ts'

/** One webhook of one configuration, ready to be asked. */
export interface Hook {
  name: string
  configuration: string
  matcher: Matcher
  /** All must hold. */
  conditions: Compiled[]
  destination: Destination
  timeoutMs: number
  failOpen: boolean
  /** May be asked in a dry run. */
  dryRun: boolean
  /** The version of AdmissionReview that it prefers of those that we speak. */
  reviewVersion: 'v1' | 'v1beta1'
  /** Wants to see the object again when somebody changed it afterwards. */
  reinvoke: boolean
}

export function compileHook(configuration: string, webhook: MutatingWebhook | ValidatingWebhook): Hook {
  const { name, clientConfig, rules, matchPolicy, namespaceSelector, objectSelector, matchConditions } = webhook
  return {
    name,
    configuration,
    matcher: new Matcher({ rules, matchPolicy, namespaceSelector, objectSelector }),
    conditions: (matchConditions ?? []).map(({ expression }) => compileCondition(expression)),
    destination: clientConfig,
    timeoutMs: (webhook.timeoutSeconds ?? 10) * 1000,
    failOpen: webhook.failurePolicy === 'Ignore',
    dryRun: webhook.sideEffects === 'None' || webhook.sideEffects === 'NoneOnDryRun',
    reviewVersion: webhook.admissionReviewVersions?.find(isSpoken) ?? 'v1',
    reinvoke: 'reinvocationPolicy' in webhook && webhook.reinvocationPolicy === 'IfNeeded',
  }
}

function isSpoken(version: string): version is Hook['reviewVersion'] {
  return version === 'v1' || version === 'v1beta1'
}
