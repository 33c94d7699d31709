import { type FieldError, GoText, invalid } from '../field-error.ts'
import type { AnyObject } from '../object.ts'
import { goKind, goPrinted } from '../patch/go-print.ts'
import type { CustomResourceSubresourceScale } from '../types/apiextensions-v1.ts'

const most = 2 ** 31 - 1

/** What stands at the places where a scale is read: numbers of replicas, and the text of a selector. */
export function checkScale(object: AnyObject, scale: CustomResourceSubresourceScale | undefined): FieldError[] {
  if (!scale) return []
  const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale
  return [
    ...checkReplicas(object, specReplicasPath),
    ...checkReplicas(object, statusReplicasPath),
    ...(labelSelectorPath ? checkText(object, labelSelectorPath) : []),
  ]
}

function checkReplicas(object: AnyObject, path: string): FieldError[] {
  const { value, problem } = at(object, path, 'int64')
  if (problem !== undefined) return [invalid(path, 0, problem)]
  if (typeof value !== 'number' && typeof value !== 'bigint') return []
  const shown = typeof value === 'bigint' ? new GoText(String(value)) : value
  if (value < 0) return [invalid(path, shown, 'should be a non-negative integer')]
  return value > most ? [invalid(path, shown, `should be less than or equal to ${most}`)] : []
}

function checkText(object: AnyObject, path: string): FieldError[] {
  const { problem } = at(object, path, 'string')
  return problem === undefined ? [] : [invalid(path, '', problem)]
}

/** The value at a path of names, or why there can be none, in the words of Kubernetes. */
function at(object: AnyObject, path: string, wanted: 'int64' | 'string'): { value?: unknown; problem?: string } {
  const names = path.replace(/^\./, '').split('.')
  let value: unknown = object
  for (const [i, name] of names.entries()) {
    if (value === null || value === undefined) return {}
    if (typeof value !== 'object' || Array.isArray(value))
      return { problem: problem(names.slice(0, i + 1), value, 'map[string]interface{}') }
    if (!Object.hasOwn(value, name)) return {}
    value = (value as Record<string, unknown>)[name]
  }
  if (value === undefined || (value !== null && goKind(value) === wanted)) return { value }
  return { problem: problem(names, value, wanted) }
}

const problem = (names: readonly string[], value: unknown, wanted: string): string =>
  `.${names.join('.')} accessor error: ${goPrinted(value)} is of the type ${goTypeOf(value)}, expected ${wanted}`

function goTypeOf(value: unknown): string {
  if (value === null) return '<nil>'
  const kind = goKind(value)
  return kind === 'slice' ? '[]interface {}' : kind === 'map' ? 'map[string]interface {}' : kind
}
