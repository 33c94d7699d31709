import { isDns1123Label, isQualifiedName } from '../../../base/names.ts'
import { type FieldError, invalid } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as core from '../../types/core-v1.ts'
import { texts } from '../checks.ts'
import { text } from '../columns.ts'

export type Namespace = core.Namespace

const nameLabel = 'kubernetes.io/metadata.name'

/** Its contents are removed before it is: the finalizer that the namespace controller takes off. */
function prepareNamespace(namespace: core.Namespace): void {
  defaultNamespace(namespace)
  namespace.status = { phase: 'Active' }
  const finalizers = namespace.spec?.finalizers ?? []
  namespace.spec = { ...namespace.spec, finalizers: [...new Set([...finalizers, 'kubernetes'])] }
}

/** Every namespace carries its own name as a label, so that selectors can pick it. */
function defaultNamespace({ metadata, status }: core.Namespace): void {
  if (metadata?.name) metadata.labels = { ...metadata.labels, [nameLabel]: metadata.name }
  if (status) status.phase ??= 'Active'
}

/** Others' finalizers say whose they are. */
function checkFinalizers(at: (i: number) => string, finalizers: string[] = []): FieldError[] {
  const unknown = 'name is neither a standard finalizer name nor is it fully qualified'
  return finalizers.flatMap((name, i) => {
    const known = name.includes('/') || ['kubernetes', 'orphan', 'foregroundDeletion'].includes(name)
    return [...texts(at(i), name, isQualifiedName(name)), ...(known ? [] : [invalid(at(i), name, unknown)])]
  })
}

/** Its phase says whether it is on its way out, and nothing else. */
function checkPhase({ metadata, status }: core.Namespace): FieldError[] {
  const [phase, when] = metadata.deletionTimestamp ? ['Terminating', 'is not empty'] : ['Active', 'is empty']
  if (status?.phase === phase) return []
  return [invalid('status.Phase', status?.phase ?? '', `may only be '${phase}' if \`deletionTimestamp\` ${when}`)]
}

export const Namespace = defineKind<core.Namespace>({
  group: '',
  version: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  shortNames: ['ns'],
  scope: 'Cluster',
  schema: 'core/v1.Namespace',
  deletionAnswersObject: true,
  verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
  subresources: ['status', 'finalize'],
  noGeneration: true,
  unconditionalUpdate: true,
  fields: { 'status.phase': namespace => namespace.status?.phase ?? '' },
  columns: [text('Status', namespace => namespace.status?.phase ?? '')],
  defaults: defaultNamespace,
  prepareCreate: prepareNamespace,
  prepareUpdate: (next, previous) => {
    next.spec = { ...next.spec, ...(previous.spec?.finalizers ? { finalizers: previous.spec.finalizers } : {}) }
    defaultNamespace(next)
  },
  deletionBegins: namespace => {
    namespace.status = { ...namespace.status, phase: 'Terminating' }
  },
  validName: isDns1123Label,
  validate: ({ spec }, previous) => (previous ? [] : checkFinalizers(() => 'spec.finalizers', spec?.finalizers)),
  validatePart: (part, next) => {
    if (part === 'status') return checkPhase(next)
    return part === 'finalize' ? checkFinalizers(i => `spec.finalizers[${i}]`, next.spec?.finalizers) : []
  },
})
