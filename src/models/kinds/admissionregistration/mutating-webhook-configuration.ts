import { defineKind } from '../../kind.ts'
import type * as admissionregistration from '../../types/admissionregistration-v1.ts'
import { integer } from '../columns.ts'
import { defaultWebhook } from './webhook-defaults.ts'
import { validateWebhooks } from './webhook-validation.ts'

export type MutatingWebhookConfiguration = admissionregistration.MutatingWebhookConfiguration

export const MutatingWebhookConfiguration = defineKind<admissionregistration.MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingWebhookConfiguration',
  plural: 'mutatingwebhookconfigurations',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'admissionregistration/v1.MutatingWebhookConfiguration',
  columns: [integer('Webhooks', c => c.webhooks?.length)],
  defaults: configuration => {
    for (const webhook of configuration.webhooks ?? []) {
      defaultWebhook(webhook)
      webhook.reinvocationPolicy ??= 'Never'
    }
  },
  validate: (configuration, previous) => validateWebhooks(configuration.webhooks, previous?.webhooks),
})
