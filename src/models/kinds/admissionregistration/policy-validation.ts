import { isDns1035Label, isDns1123Subdomain, isPathSegmentName, isQualifiedName } from '../../../base/names.ts'
import { CelCompileError, cel, storedTexts } from '../../cel/index.ts'
import {
  duplicate,
  type FieldError,
  forbidden,
  GoText,
  goQuote,
  invalid,
  notSupported,
  required,
  tooMany,
} from '../../field-error.ts'
import type {
  AuditAnnotation,
  MatchCondition,
  MatchResources,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  Validation,
  Variable,
} from '../../types/admissionregistration-v1.ts'
import { checkOneOf, texts } from '../checks.ts'
import { checkSelector } from '../selector-checks.ts'
import { type Compiled, PolicyExpressions } from './policy-expressions.ts'
import { checkRule } from './webhook-validation.ts'

const maxConditions = 64
const maxAnnotations = 20
const maxAnnotationBytes = 5 * 1024
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge']

export function validatePolicy(
  { metadata, spec }: ValidatingAdmissionPolicy,
  previous?: ValidatingAdmissionPolicy,
): FieldError[] {
  const expressions = new PolicyExpressions(spec, {}, storedTexts(previous?.spec))
  const { validations = [], auditAnnotations = [] } = spec
  const errors = checkBasis(spec, expressions)
  if (!validations.length && !auditAnnotations.length) {
    const why = 'validations or auditAnnotations must contain at least one item'
    return [...errors, required('spec.validations', why), required('spec.auditAnnotations', why)]
  }
  return [
    ...errors,
    ...validations.flatMap((v, i) => checkValidation(`spec.validations[${i}]`, v, expressions)),
    ...checkAnnotations('spec.auditAnnotations', metadata.name ?? '', auditAnnotations, expressions),
  ]
}

/** What policies of both kinds say. */
interface PolicyBasis {
  failurePolicy?: string
  paramKind?: ParamKind
  matchConstraints?: MatchResources
  matchConditions?: MatchCondition[]
  variables?: Variable[]
}

export function checkBasis(spec: PolicyBasis, expressions: PolicyExpressions): FieldError[] {
  const { matchConstraints: match } = spec
  return [
    ...(spec.paramKind ? checkParamKind('spec.paramKind', spec.paramKind) : []),
    ...(match ? checkMatch('spec.matchConstraints', match) : [required('spec.matchConstraints')]),
    ...(match && !match.resourceRules?.length ? [required('spec.matchConstraints.resourceRules')] : []),
    ...checkConditions('spec.matchConditions', spec.matchConditions ?? [], expressions),
    ...(spec.variables ?? []).flatMap((v, i) =>
      checkVariable(`spec.variables[${i}]`, v, expressions.variables[i]!.program),
    ),
  ]
}

/** What bindings of both kinds say. */
interface BindingBasis {
  policyName?: string
  paramRef?: ParamRef
  matchResources?: MatchResources
}

export function checkBinding({ policyName, paramRef, matchResources }: BindingBasis): FieldError[] {
  const errors = policyName
    ? texts('spec.policyName', policyName, isDns1123Subdomain(policyName))
    : [required('spec.policyName')]
  if (paramRef) errors.push(...checkParamRef('spec.paramRef', paramRef))
  if (matchResources) errors.push(...checkMatch('spec.matchResources', matchResources))
  return errors
}

export function validateBinding({ spec }: ValidatingAdmissionPolicyBinding): FieldError[] {
  const { validationActions: given = [] } = spec
  const errors = checkBinding(spec)
  const at = 'spec.validationActions'
  for (const [i, action] of given.entries()) {
    if (given.indexOf(action) !== i) errors.push(duplicate(`${at}[${i}]`, action))
  }
  if (given.includes('Deny') && given.includes('Warn')) {
    const why = 'repeating the same validation failure information in the API response and headers serves no purpose'
    const shown = new GoText(`[]admissionregistration.ValidationAction{${given.map(goQuote).join(', ')}}`)
    errors.push(invalid(at, shown, `must not contain both Deny and Warn (${why})`))
  }
  if (!given.length) errors.push(required(at, 'at least one validation action is required'))
  return errors
}

export function checkExpression(field: string, expression: string, program: Compiled): FieldError[] {
  return program instanceof CelCompileError ? [invalid(field, expression, program.message)] : []
}

function checkParamKind(field: string, { apiVersion = '', kind = '' }: ParamKind): FieldError[] {
  const errors: FieldError[] = []
  const at = `${field}.apiVersion`
  const parts = apiVersion.split('/')
  if (!apiVersion) errors.push(required(at))
  else if (parts.length > 2) errors.push(invalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  else {
    const [group, version] = parts.length === 2 ? parts : ['', parts[0]]
    if (group && isDns1123Subdomain(group).length) errors.push(invalid(at, group, isDns1123Subdomain(group).join(',')))
    if (!version) errors.push(invalid(at, apiVersion, 'version must be specified'))
    else if (isDns1035Label(version).length) errors.push(invalid(at, version, isDns1035Label(version).join(',')))
  }
  if (!kind) return [...errors, required(`${field}.kind`)]
  const wrong = isDns1035Label(kind.toLowerCase())
  if (wrong.length)
    errors.push(invalid(`${field}.kind`, kind, `may have mixed case, but should otherwise match: ${wrong.join(',')}`))
  return errors
}

function checkParamRef(field: string, ref: ParamRef): FieldError[] {
  const errors: FieldError[] = []
  if (ref.name) {
    errors.push(...texts(`${field}.name`, ref.name, isPathSegmentName(ref.name)))
    if (ref.selector)
      errors.push(
        forbidden(`${field}.name`, 'name and selector are mutually exclusive'),
        forbidden(`${field}.selector`, 'name and selector are mutually exclusive'),
      )
  } else if (ref.selector) errors.push(...checkSelector(`${field}.selector`, ref.selector))
  else errors.push(required(field, 'one of name or selector must be specified'))
  if (!ref.parameterNotFoundAction) errors.push(required(`${field}.parameterNotFoundAction`))
  else errors.push(...checkOneOf(`${field}.parameterNotFoundAction`, ref.parameterNotFoundAction, ['Deny', 'Allow']))
  return errors
}

function checkMatch(field: string, match: MatchResources): FieldError[] {
  const errors = [
    ...checkSelector(`${field}.namespaceSelector`, match.namespaceSelector),
    ...checkSelector(`${field}.objectSelector`, match.objectSelector),
  ]
  for (const list of ['resourceRules', 'excludeResourceRules'] as const)
    for (const [i, rule] of (match[list] ?? []).entries()) {
      const at = `${field}.${list}[${i}]`
      const names = rule.resourceNames ?? []
      names.forEach((name, j) => {
        errors.push(...texts(`${at}.resourceNames[${j}]`, name, isPathSegmentName(name)))
        if (names.indexOf(name) !== j) errors.push(duplicate(`${at}.resourceNames[${j}]`, name))
      })
      errors.push(...checkRule(at, rule))
    }
  return errors
}

function checkConditions(field: string, conditions: MatchCondition[], expressions: PolicyExpressions): FieldError[] {
  const errors = conditions.length > maxConditions ? [tooMany(field, conditions.length, maxConditions)] : []
  const names = conditions.map(condition => condition.name)
  conditions.forEach(({ name, expression = '' }, i) => {
    const at = `${field}[${i}]`
    const trimmed = expression.trim()
    if (!trimmed) errors.push(required(`${at}.expression`))
    else errors.push(...checkExpression(`${at}.expression`, trimmed, expressions.compileCondition(trimmed)))
    if (!name) errors.push(required(`${at}.name`))
    else {
      errors.push(...texts(`${at}.name`, name, isQualifiedName(name)))
      if (names.indexOf(name) !== i) errors.push(duplicate(`${at}.name`, name))
    }
  })
  return errors
}

function checkVariable(field: string, { name = '', expression = '' }: Variable, program: Compiled): FieldError[] {
  const errors: FieldError[] = []
  if (!name.trim()) errors.push(required(`${field}.name`, 'name is not specified'))
  else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name))
    errors.push(invalid(`${field}.name`, name, 'name is not a valid CEL identifier'))
  if (!expression.trim()) return [...errors, required(`${field}.expression`, 'expression is not specified')]
  return [...errors, ...checkExpression(`${field}.expression`, expression, program)]
}

function checkValidation(field: string, validation: Validation, expressions: PolicyExpressions): FieldError[] {
  const { expression = '', message = '', messageExpression = '', reason } = validation
  const errors: FieldError[] = []
  if (!expression.trim()) errors.push(required(`${field}.expression`, 'expression is not specified'))
  else errors.push(...checkExpression(`${field}.expression`, expression, expressions.compile(expression, cel.bool)))
  if (messageExpression) {
    const at = `${field}.messageExpression`
    if (!messageExpression.trim()) errors.push(invalid(at, messageExpression, 'must be non-empty if specified'))
    else errors.push(...checkExpression(at, messageExpression, expressions.compileMessage(messageExpression)))
  }
  if (message && !message.trim())
    errors.push(invalid(`${field}.message`, message, 'message must be non-empty if specified'))
  else if (/[\n\r]/.test(message.trim()))
    errors.push(invalid(`${field}.message`, message, 'message must not contain line breaks'))
  if (reason !== undefined && !reasons.includes(reason)) errors.push(notSupported(`${field}.reason`, reason, reasons))
  return errors
}

function checkAnnotations(
  field: string,
  policy: string,
  annotations: AuditAnnotation[],
  expressions: PolicyExpressions,
): FieldError[] {
  const errors: FieldError[] = []
  if (annotations.length > maxAnnotations)
    errors.push(invalid(field, annotations, `must not have more than ${maxAnnotations} auditAnnotations`))
  const keys = annotations.map(annotation => annotation.key)
  annotations.forEach(({ key = '', valueExpression = '' }, i) => {
    const at = `${field}[${i}]`
    if (policy) errors.push(...texts(`${at}.key`, `${policy}/${key}`, isQualifiedName(`${policy}/${key}`)))
    else errors.push(invalid(`${field}.key`, key, 'requires metadata.name be non-empty'))
    if (!valueExpression.trim()) errors.push(required(`${at}.valueExpression`, 'valueExpression is not specified'))
    else if (valueExpression.trim().length > maxAnnotationBytes)
      errors.push(required(`${at}.valueExpression`, `must not exceed ${maxAnnotationBytes} bytes in length`))
    else {
      const program = expressions.compile(valueExpression, [cel.string, cel.null])
      errors.push(...checkExpression(`${at}.valueExpression`, valueExpression, program))
    }
    if (keys.indexOf(key) !== i) errors.push(duplicate(`${at}.key`, key))
  })
  return errors
}
