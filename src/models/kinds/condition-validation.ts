import { isQualifiedName } from '../../base/names.ts'
import { duplicate, type FieldError, invalid, notSupported, required, tooLong } from '../field-error.ts'
import type { Condition } from '../types/meta-v1.ts'
import { texts } from './checks.ts'

const statuses = ['False', 'True', 'Unknown']
const reasonForm = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/
const wrongReason =
  "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')"
const maxReasonBytes = 1024
const maxMessageBytes = 32 * 1024

/** Conditions of the form that all newer kinds have, each type once. */
export function checkConditions(field: string, conditions: readonly Condition[] = []): FieldError[] {
  const seen = new Set<string>()
  return conditions.flatMap((condition, i) => {
    const { type = '', status = '', observedGeneration = 0, lastTransitionTime, reason = '', message = '' } = condition
    const at = `${field}[${i}]`
    const errors: FieldError[] = seen.has(type) ? [duplicate(`${at}.type`, type)] : []
    seen.add(type)
    errors.push(...texts(`${at}.type`, type, isQualifiedName(type)))
    if (!statuses.includes(status)) errors.push(notSupported(`${at}.status`, status, statuses))
    if (observedGeneration < 0)
      errors.push(invalid(`${at}.observedGeneration`, observedGeneration, 'must be greater than or equal to zero'))
    if (!lastTransitionTime) errors.push(required(`${at}.lastTransitionTime`, 'must be set'))
    if (!reason) errors.push(required(`${at}.reason`, 'must be set'))
    else if (!reasonForm.test(reason)) errors.push(invalid(`${at}.reason`, reason, wrongReason))
    if (reason.length > maxReasonBytes) errors.push(tooLong(`${at}.reason`, maxReasonBytes))
    if (message.length > maxMessageBytes) errors.push(tooLong(`${at}.message`, maxMessageBytes))
    return errors
  })
}

/** Of older conditions Kubernetes asks only which they are, and that each is there once. */
export function checkConditionTypes(field: string, conditions: readonly { type?: string }[] = []): FieldError[] {
  const seen = new Set<string>()
  return conditions.flatMap(({ type = '' }, i) => {
    const at = `${field}[${i}].type`
    const errors = seen.has(type) ? [duplicate(at, type)] : []
    seen.add(type)
    return type ? errors : [...errors, required(at, 'must not be empty')]
  })
}
