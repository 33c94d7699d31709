import { type FieldError, required } from '../../field-error.ts'
import { defineKind } from '../../kind.ts'
import type * as apps from '../../types/apps-v1.ts'
import { checkImmutable, checkNonNegative } from '../checks.ts'
import { text } from '../columns.ts'

export type ControllerRevision = apps.ControllerRevision

function validateRevision(next: apps.ControllerRevision, previous?: apps.ControllerRevision): FieldError[] {
  const errors = checkNonNegative('revision', next.revision)
  return [...errors, ...(previous ? checkImmutable('data', next.data, previous.data) : checkData(next.data))]
}

function checkData(data: unknown): FieldError[] {
  if (data === undefined || data === null) return [required('data', 'data is mandatory')]
  const isObject = typeof data === 'object' && !Array.isArray(data)
  return isObject ? [] : [required('data', 'data must be a valid JSON object')]
}

/** `daemonset.apps/web`, or `<none>`. */
function controller(revision: apps.ControllerRevision): string {
  const owner = revision.metadata.ownerReferences?.find(o => o.controller)
  if (!owner) return '<none>'
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : ''
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`
}

export const ControllerRevision = defineKind<apps.ControllerRevision>({
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  scope: 'Namespaced',
  schema: 'apps/v1.ControllerRevision',
  noGeneration: true,
  unconditionalUpdate: true,
  columns: [text('Controller', controller), text('Revision', revision => revision.revision)],
  validate: validateRevision,
})
