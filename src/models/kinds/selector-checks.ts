import { isLabelValue } from '../../base/names.ts'
import { type FieldError, forbidden, invalid, required } from '../field-error.ts'
import type { LabelSelector } from '../types/meta-v1.ts'
import { checkLabelName, checkLabels, texts } from './checks.ts'

/** A LabelSelector whose operators and values fit. */
export function checkSelector(field: string, selector: LabelSelector | undefined): FieldError[] {
  if (!selector) return []
  const errors = checkLabels(`${field}.matchLabels`, selector.matchLabels)
  selector.matchExpressions?.forEach((requirement, i) => {
    const at = `${field}.matchExpressions[${i}]`
    const { key, operator, values = [] } = requirement
    if (operator === 'In' || operator === 'NotIn') {
      if (!values.length) errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length)
        errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    } else errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'))
    errors.push(...checkLabelName(`${at}.key`, key))
    for (const [j, value] of values.entries()) errors.push(...texts(`${at}.values[${j}]`, value, isLabelValue(value)))
  })
  return errors
}

/** True for a selector that picks everything. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return !Object.keys(selector?.matchLabels ?? {}).length && !selector?.matchExpressions?.length
}
