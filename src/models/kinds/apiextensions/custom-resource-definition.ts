import { defineKind } from '../../kind.ts'
import type * as apiextensions from '../../types/apiextensions-v1.ts'
import { createdAt } from '../columns.ts'
import { validateDefinition } from './definition-validation.ts'

export type CustomResourceDefinition = apiextensions.CustomResourceDefinition

/** Keeps a definition until its last object is gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io'

function addDefaults({ spec, status }: CustomResourceDefinition): void {
  const { names } = spec
  names.singular ||= names.kind?.toLowerCase()
  if (names.kind) names.listKind ||= `${names.kind}List`
  spec.conversion ??= { strategy: 'None' }
  const { webhook } = spec.conversion
  // On the wire both stand side by side: without either there is no webhook.
  if (webhook && !webhook.clientConfig && !webhook.conversionReviewVersions?.length) delete spec.conversion.webhook
  const { service } = spec.conversion.webhook?.clientConfig ?? {}
  if (service) service.port ??= 443
  const storage = storageVersionOf(spec)
  if (status && !status.storedVersions?.length && storage) status.storedVersions = [storage]
}

/** The version in which objects are written. */
export function storageVersionOf(spec: apiextensions.CustomResourceDefinitionSpec): string | undefined {
  return spec.versions?.find(v => v.storage)?.name
}

/** The storage version joins those in which there may be objects. */
function withStorageVersion(crd: CustomResourceDefinition): string[] {
  const stored = crd.status?.storedVersions ?? []
  const storage = storageVersionOf(crd.spec)
  return storage === undefined || stored.includes(storage) ? stored : [...stored, storage]
}

function beginDeletion(crd: CustomResourceDefinition, now: string): void {
  const { metadata } = crd
  if (!metadata.finalizers?.includes(cleanupFinalizer))
    metadata.finalizers = [...(metadata.finalizers ?? []), cleanupFinalizer]
  const conditions = (crd.status?.conditions ?? []).filter(c => c.type !== 'Terminating')
  conditions.push({
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: now,
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  })
  crd.status = { ...crd.status, conditions }
}

export const CustomResourceDefinition = defineKind<CustomResourceDefinition>({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  scope: 'Cluster',
  schema: 'apiextensions/v1.CustomResourceDefinition',
  subresources: ['status'],
  unconditionalUpdate: false,
  columns: [createdAt],
  ownAge: true,
  defaults: addDefaults,
  prepareCreate: crd => {
    crd.status = {
      // On the wire there are no conditions yet, rather than an empty list of them.
      conditions: null as never,
      acceptedNames: { plural: '', kind: '' },
      storedVersions: withStorageVersion({ ...crd, status: {} }),
    }
  },
  prepareUpdate: (next, previous) => {
    next.status = { ...previous.status, storedVersions: withStorageVersion({ ...next, status: previous.status ?? {} }) }
  },
  deletionBegins: beginDeletion,
  validate: validateDefinition,
})
