import type { CustomResourceDefinition } from '../../models/types/apiextensions-v1.ts'
import type { Core } from '../core.ts'
import { webhookConverter } from './conversion-webhook.ts'
import { type Convert, renamed } from './custom-form.ts'

/** How the objects of a definition get from one version to another. */
export function converterOf(core: Core, crd: CustomResourceDefinition): { convert: Convert; atOnce: boolean } {
  const { conversion } = crd.spec
  if (conversion?.strategy === 'Webhook' && conversion.webhook)
    return { convert: webhookConverter(core, crd.spec.names.kind, conversion.webhook), atOnce: false }
  return { convert: renamed, atOnce: true }
}
