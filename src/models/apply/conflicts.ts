import { ApiError } from '../api-error.ts'
import { type FieldSet, pathText } from './field-set.ts'
import type { Owner } from './read-owners.ts'

/** @param ofScale said to who applies a Scale: in its version, and by its field */
export function conflict(contested: { owner: Owner; fields: FieldSet }[], ofScale = false): ApiError {
  const sorted = contested
    .map(({ owner, fields }) => ({ owner, fields, id: identifier(owner) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const causes = sorted.flatMap(({ owner, fields }) =>
    [...fields.paths()].map(path => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${describe(owner, ofScale)}`,
      field: ofScale ? '.spec.replicas' : pathText(path),
    })),
  )
  const text =
    causes.length === 1
      ? `Apply failed with 1 conflict: ${causes[0]!.message}: ${causes[0]!.field}`
      : `Apply failed with ${causes.length} conflicts: ${conflictLines(causes).join('\n')}`
  return new ApiError('Conflict', text, { details: { causes } })
}

/** The fields of each manager below it. */
function conflictLines(causes: readonly { message: string; field: string }[]): string[] {
  const managers = new Map<string, string[]>()
  for (const { message, field } of causes) managers.set(message, [...(managers.get(message) ?? []), field])
  return [...managers].flatMap(([message, fields]) => [
    `${message.replace('conflict', 'conflicts')}:`,
    ...fields.map(field => `- ${field}`),
  ])
}

/** What Kubernetes sorts managers by. */
function identifier({ entry: { manager, operation, apiVersion, subresource } }: Owner): string {
  const version = operation === 'Apply' ? undefined : apiVersion
  return JSON.stringify({ manager: manager || undefined, operation, apiVersion: version, subresource })
}

function describe({ entry }: Owner, ofScale: boolean): string {
  const where = entry.subresource ? ` with subresource ${JSON.stringify(entry.subresource)}` : ''
  const how = entry.operation === 'Update' ? ` using ${ofScale ? 'autoscaling/v1' : entry.apiVersion}` : ''
  return `${JSON.stringify(entry.manager ?? '')}${where}${how}`
}
