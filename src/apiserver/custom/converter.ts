import { ApiError } from '../../models/api-error.ts'
import type { CustomResourceDefinition } from '../../models/types/apiextensions-v1.ts'
import { type Convert, renamed } from './custom-form.ts'

/** How the objects of a definition get from one version to another. */
export function converterOf(crd: CustomResourceDefinition): { convert: Convert; atOnce: boolean } {
  if (crd.spec.conversion?.strategy !== 'Webhook') return { convert: renamed, atOnce: true }
  const text = `conversion webhook for ${crd.metadata.name} cannot be called: this server calls no webhooks; use strategy None`
  return { atOnce: false, convert: async () => Promise.reject(new ApiError('InternalError', text)) }
}
