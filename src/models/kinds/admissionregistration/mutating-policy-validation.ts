import { storedTexts } from '../../cel/index.ts'
import { type FieldError, forbidden, notSupported, required } from '../../field-error.ts'
import type { MutatingAdmissionPolicy, Mutation } from '../../types/admissionregistration-v1alpha1.ts'
import { checkOneOf } from '../checks.ts'
import { PolicyExpressions } from './policy-expressions.ts'
import { checkBasis, checkExpression } from './policy-validation.ts'

/** Each patch type, and the field that has its expression. */
const patchFields = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const

export function validateMutatingPolicy(
  { spec }: MutatingAdmissionPolicy,
  previous?: MutatingAdmissionPolicy,
): FieldError[] {
  const expressions = new PolicyExpressions(spec, {}, storedTexts(previous?.spec))
  const errors = checkBasis(spec, expressions)
  const again = 'spec.reinvocationPolicy'
  if (!spec.reinvocationPolicy) errors.push(required(again))
  else errors.push(...checkOneOf(again, spec.reinvocationPolicy, ['IfNeeded', 'Never']))
  const { mutations = [] } = spec
  if (!mutations.length) errors.push(required('spec.mutations', 'mutations must contain at least one item'))
  return [...errors, ...mutations.flatMap((m, i) => checkMutation(`spec.mutations[${i}]`, m, expressions))]
}

function checkMutation(field: string, mutation: Mutation, expressions: PolicyExpressions): FieldError[] {
  const { patchType } = mutation
  if (!patchType) return [required(`${field}.patchType`)]
  if (patchType !== 'ApplyConfiguration' && patchType !== 'JSONPatch')
    return [notSupported(`${field}.patchType`, patchType, Object.keys(patchFields))]
  const own = patchFields[patchType]
  const other = patchType === 'JSONPatch' ? 'applyConfiguration' : 'jsonPatch'
  const errors = mutation[other]
    ? [forbidden(`${field}.${other}`, `may only be set when patchType is not ${JSON.stringify(patchType)}`)]
    : []
  const said = mutation[own]
  if (!said) return [...errors, required(`${field}.${own}`)]
  const expression = said.expression?.trim() ?? ''
  const at = `${field}.${own}.expression`
  if (!expression) return [...errors, required(at, 'expression is not specified')]
  return [...errors, ...checkExpression(at, expression, expressions.compileMutation(expression, patchType))]
}
