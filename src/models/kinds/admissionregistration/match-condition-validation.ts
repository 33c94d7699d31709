import { isQualifiedName } from '../../../base/names.ts'
import { authorizerType, CelCompileError, type CelEnvironment, cel, resourceCheckType } from '../../cel/index.ts'
import { duplicate, type FieldError, invalid, required, tooMany } from '../../field-error.ts'
import type { MatchCondition } from '../../types/admissionregistration-v1.ts'
import { texts } from '../checks.ts'
import { admissionRequestType, type Compiled, compiled, namespaceObjectType } from './policy-expressions.ts'

const maxConditions = 64

/** What the conditions of webhooks may name. */
const environment: CelEnvironment = {
  variables: {
    object: cel.dyn,
    oldObject: cel.dyn,
    request: admissionRequestType,
    // Policies see it; for webhooks it is always null.
    namespaceObject: namespaceObjectType,
    authorizer: authorizerType,
    'authorizer.requestResource': resourceCheckType,
  },
  result: cel.bool,
}

/** A condition of a webhook. */
export function compileCondition(expression: string): Compiled {
  return compiled(expression.trim(), environment)
}

/** The conditions of one webhook. */
export function checkMatchConditions(field: string, conditions: readonly MatchCondition[] = []): FieldError[] {
  const errors = conditions.length > maxConditions ? [tooMany(field, conditions.length, maxConditions)] : []
  const names = new Set<string>()
  conditions.forEach(({ name, expression }, i) => {
    const at = `${field}[${i}]`
    errors.push(...checkExpression(`${at}.expression`, expression))
    if (!name) errors.push(required(`${at}.name`))
    else errors.push(...texts(`${at}.name`, name, isQualifiedName(name)))
    if (name && names.has(name)) errors.push(duplicate(`${at}.name`, name))
    names.add(name)
  })
  return errors
}

function checkExpression(field: string, expression: string | undefined): FieldError[] {
  if (!expression?.trim()) return [required(field)]
  const program = compileCondition(expression)
  return program instanceof CelCompileError ? [invalid(field, expression, program.message)] : []
}
