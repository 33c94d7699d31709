import { byteLength } from '../../../base/names.ts'
import {
  CelCompileError,
  type CelProgram,
  type CelType,
  cel,
  compileCel,
  deviceLibrary,
  typeText,
} from '../../cel/index.ts'
import { forbidden, invalid, tooLong } from '../../field-error.ts'
import type { ExpressionJudge } from './expression-judge.ts'

/** As much as Kubernetes lets one evaluation cost, and an estimate of it. */
export const deviceCostLimit = 1_000_000
const longestExpression = 10 * 1024
/** Of attributes and capacities of one device; and of the names that they have. */
const most = 32
const longestDomain = 63
const longestId = 32
const longestValue = 64

const text = (maxElements: number) => ({ ...cel.string, maxElements })
const perDomain = (of: Parameters<typeof cel.map>[1]) =>
  cel.map(text(longestDomain), cel.map(text(longestId), of, { maxElements: most }), { maxElements: most })

/** What a selector knows of a device: as much as Kubernetes assumes of it, when it says what an expression may cost. */
export const deviceType = cel.object('kubernetes.DRADevice', {
  driver: text(longestDomain),
  attributes: perDomain({ ...cel.dyn, maxElements: longestValue }),
  capacity: perDomain(cel.opaque('kubernetes.Quantity')),
})

/** @throws CelCompileError */
export function compileDeviceExpression(expression: string, fresh: boolean): CelProgram {
  const program = compileCel(expression, {
    variables: { device: deviceType },
    functions: deviceLibrary,
    ...(fresh ? { fresh: 'binding' } : {}),
  })
  const { resultType } = program
  if (resultType.kind !== 'bool' && resultType.kind !== 'dyn')
    throw new CelCompileError(`must evaluate to bool or the unknown type, not ${goTypeText(resultType)}`)
  return program
}

/** Attributes are of any type, which has a name of its own there. */
const goTypeText = (type: CelType): string =>
  type.kind === 'null' ? 'null_type' : typeText(type).replaceAll(/\bdyn\b/g, 'google.protobuf.Any')

export const checkDeviceExpression: ExpressionJudge = (at, expression, stored) => {
  if (byteLength(expression) > longestExpression) return [tooLong(at, longestExpression)]
  try {
    const { max } = compileDeviceExpression(expression, !stored).estimateCost()
    return max > deviceCostLimit ? [forbidden(at, 'too complex, exceeds cost limit')] : []
  } catch (error) {
    if (error instanceof CelCompileError) return [invalid(at, expression, error.message)]
    throw error
  }
}
