import type { FieldError } from '../../field-error.ts'

/** Why an expression cannot select devices. @param stored it is there already, and may use more than a new one */
export type ExpressionJudge = (at: string, expression: string, stored: boolean) => FieldError[]

let judge: ExpressionJudge = at => {
  throw new Error(`${at}: nobody brought along what judges expressions of devices (judgeDeviceExpressionsBy)`)
}

/** Said once by whoever validates claims and classes of devices. A node reads claims only: it has no room for expressions. */
export function judgeDeviceExpressionsBy(other: ExpressionJudge): void {
  judge = other
}

export const judgeDeviceExpression: ExpressionJudge = (...args) => judge(...args)
