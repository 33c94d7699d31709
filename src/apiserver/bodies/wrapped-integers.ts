import type { Kind } from '../../models/kind.ts'
import { wrapIntegers } from '../../models/patch/wrapped-integers.ts'
import { CannotHandle } from '../../models/schema/index.ts'
import { decodeValue, typeOf } from '../model-engine.ts'

/**
 * As `decodeValue`, but integers that do not fit wrap: of what is applied, and of what a strategic merge patch makes.
 * @throws ApiError
 */
export const decodeWrapped: typeof decodeValue = (kind: Kind<any>, value, fieldValidation, options) => {
  try {
    return decodeValue(kind, value, fieldValidation, options)
  } catch (error) {
    const fitting = error instanceof CannotHandle && !kind.custom ? wrapIntegers(typeOf(kind), value) : value
    if (fitting === value) throw error
    return decodeValue(kind, fitting, fieldValidation, options)
  }
}
