import { ApiError, badRequest } from '../api-error.ts'
import { typeNamed } from '../schema/types.ts'
import { jsonKind } from './go-print.ts'
import { applyJsonPatch, JsonPatchFailed, maxOperations } from './json.ts'
import { applyMergePatch, isRecord } from './merge.ts'
import { applyStrategicPatch, StrategicPatchFailed } from './strategic.ts'

export { applyJsonPatch, equal, JsonPatchFailed, JsonPatchTestFailed } from './json.ts'
export { applyMergePatch } from './merge.ts'
export { applyStrategicPatch, StrategicPatchFailed } from './strategic.ts'

/** The kinds of patch that are computed from the object alone; server-side apply is not among them. */
export type PatchType = 'json' | 'merge' | 'strategic'

/** `Content-Type` of each, without parameters. */
export const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
}

/**
 * The object as the patch makes it, still to be decoded, defaulted and validated. Neither input is changed; the result
 * may share parts with both, so changing it in place needs a decode first.
 * @param kind its schema says how lists merge; kinds without one (custom resources) take no strategic patch
 * @param patch the parsed body
 * @throws ApiError BadRequest (no patch), Invalid (does not apply), RequestEntityTooLarge, UnsupportedMediaType
 */
export function applyPatch(kind: { schema: string }, type: PatchType, current: object, patch: unknown): unknown {
  switch (type) {
    case 'json':
      return patchJson(current, patch)
    case 'merge':
      // Nothing is no patch here, though a strategic one that changes nothing.
      if (patch === null) throw badRequest('Invalid JSON Patch')
      return applyMergePatch(current, objectPatch(patch, 'error decoding patch: '))
    case 'strategic':
      return patchStrategic(kind.schema, current, objectPatch(patch, ''))
  }
}

/** Nothing changes nothing. */
function objectPatch(patch: unknown, doing: string): Record<string, unknown> {
  if (patch === null) return {}
  if (!isRecord(patch)) throw wrongPatch(doing, patch, 'map[string]interface {}')
  return patch
}

/** Names Go's type, as Kubernetes does. */
const wrongPatch = (doing: string, patch: unknown, type: string) =>
  badRequest(`${doing}json: cannot unmarshal ${jsonKind(patch)} into Go value of type ${type}`)

/** A patch that is read and cannot be applied. */
const rejected = (cause: Error) =>
  new ApiError('Invalid', `the server rejected our request due to an error in our request: ${cause.message}`, {
    cause,
    details: {},
  })

function patchJson(current: object, patch: unknown): unknown {
  if (patch === null) return current
  const doing = 'error decoding patch: '
  if (!Array.isArray(patch)) throw wrongPatch(doing, patch, '[]handlers.jsonPatchOp')
  for (const operation of patch) checkOperationTypes(operation, doing)
  if (patch.length > maxOperations)
    throw new ApiError(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`,
    )
  try {
    return applyJsonPatch(current, patch)
  } catch (error) {
    if (!(error instanceof JsonPatchFailed)) throw error
    throw rejected(error)
  }
}

function checkOperationTypes(operation: unknown, doing: string): void {
  if (operation === null) return
  if (!isRecord(operation)) throw wrongPatch(doing, operation, 'handlers.jsonPatchOp')
  for (const name of ['op', 'from', 'path'])
    if (operation[name] !== undefined && operation[name] !== null && typeof operation[name] !== 'string')
      throw badRequest(
        `${doing}json: cannot unmarshal ${jsonKind(operation[name])} into Go struct field jsonPatchOp.${name} of type string`,
      )
}

function patchStrategic(schema: string, current: object, patch: Record<string, unknown>): unknown {
  if (schema === '')
    throw new ApiError(
      'UnsupportedMediaType',
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    )
  try {
    return applyStrategicPatch(typeNamed(schema), current as Record<string, unknown>, patch)
  } catch (error) {
    if (!(error instanceof StrategicPatchFailed)) throw error
    if (error.fault === 'form') throw new ApiError('BadRequest', error.message, { cause: error })
    if (error.fault === 'content') throw rejected(error)
    throw new ApiError('', error.message, { code: 500, cause: error })
  }
}
