import { type ApiError, invalidError } from '../../models/api-error.ts'
import type { FieldError } from '../../models/field-error.ts'
import type { Call } from '../core.ts'

export type OptionsKind = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions'

const byMethod: Record<string, OptionsKind> = {
  POST: 'CreateOptions',
  PUT: 'UpdateOptions',
  PATCH: 'PatchOptions',
  DELETE: 'DeleteOptions',
}

/** The refusal of what stands behind the question mark, or in the body of a DELETE: `PatchOptions.meta.k8s.io "" is invalid: …` */
export function invalidOptions(
  { request }: { request: Pick<Call['request'], 'method'> },
  ...errors: FieldError[]
): ApiError {
  const kind = byMethod[request.method] ?? 'PatchOptions'
  return invalidError({ group: 'meta.k8s.io', plural: kind.toLowerCase(), kind }, '', errors)
}
