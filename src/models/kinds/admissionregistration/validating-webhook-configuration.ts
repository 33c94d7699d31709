import { defineKind } from '../../kind.ts'
import type * as admissionregistration from '../../types/admissionregistration-v1.ts'
import { integer } from '../columns.ts'
import { defaultWebhook } from './webhook-defaults.ts'
import { validateWebhooks } from './webhook-validation.ts'

export type ValidatingWebhookConfiguration = admissionregistration.ValidatingWebhookConfiguration

export const ValidatingWebhookConfiguration = defineKind<admissionregistration.ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingWebhookConfiguration',
  plural: 'validatingwebhookconfigurations',
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'admissionregistration/v1.ValidatingWebhookConfiguration',
  columns: [integer('Webhooks', c => c.webhooks?.length)],
  defaults: configuration => {
    for (const webhook of configuration.webhooks ?? []) defaultWebhook(webhook)
  },
  validate: (configuration, previous) => validateWebhooks(configuration.webhooks, previous?.webhooks),
})
