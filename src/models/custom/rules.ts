import { CelCompileError, type CelProgram, type CelType, celTypeOfSchema, compileCel, typeText } from '../cel/index.ts'
import type { ValidationRule } from '../types/apiextensions-v1.ts'
import type { SchemaNode } from './schema-node.ts'
import { pathNames } from './schema-path.ts'

/** One rule of a schema, compiled. */
export interface CompiledRule {
  rule: ValidationRule
  program: CelProgram | undefined
  /** Why there is no program, in Kubernetes' words. */
  problem: string | undefined
  message: CelProgram | undefined
  messageProblem: string | undefined
  usesOldSelf: boolean
  /** `.spec.x` relative to where the rule stands; '' for the place itself. */
  fieldPath: string
}

/** What expressions see at a place, and the rules there. */
export interface Rules {
  type: CelType | undefined
  rules: readonly CompiledRule[]
}

const none: Rules = { type: undefined, rules: [] }
const compiled = new WeakMap<SchemaNode, { asRoot?: Rules; inside?: Rules }>()
const below = new WeakMap<SchemaNode, boolean>()

/** The rules of a place, compiled when first asked for. @param root true for a whole resource */
export function rulesOf(node: SchemaNode, root: boolean): Rules {
  const rules = node.schema['x-kubernetes-validations']
  if (!rules?.length) return none
  let known = compiled.get(node)
  if (!known) compiled.set(node, (known = {}))
  const slot = root ? 'asRoot' : 'inside'
  known[slot] ??= compileRules(node, root, rules)
  return known[slot]
}

/** Whether there are rules here or below: other branches are not walked. */
export function hasRules(node: SchemaNode): boolean {
  let has = below.get(node)
  if (has === undefined) {
    has =
      Boolean(node.schema['x-kubernetes-validations']?.length) ||
      [...node.properties.values()].some(hasRules) ||
      Boolean(node.items && hasRules(node.items)) ||
      Boolean(node.additional && hasRules(node.additional))
    below.set(node, has)
  }
  return has
}

function compileRules(node: SchemaNode, root: boolean, rules: readonly ValidationRule[]): Rules {
  const type = celTypeOfSchema(node.schema as Parameters<typeof celTypeOfSchema>[0], { root })
  if (!type) return { type, rules: [] }
  return { type, rules: rules.filter(({ rule }) => rule?.trim()).map(rule => compileRule(rule, type)) }
}

function compileRule(rule: ValidationRule, type: CelType): CompiledRule {
  const oldSelf: CelType = rule.optionalOldSelf ? { kind: 'optional', of: type } : type
  const variables = { self: type, oldSelf }
  const main = compileTo('bool', rule.rule, variables)
  const message = rule.messageExpression ? compileTo('string', rule.messageExpression, variables) : {}
  return {
    rule,
    program: main.program,
    problem: main.problem,
    message: message.program,
    messageProblem: message.problem && `messageExpression ${message.problem}`,
    usesOldSelf: main.program?.uses('oldSelf') ?? false,
    fieldPath: (pathNames(rule.fieldPath ?? '') ?? []).map(name => `.${name}`).join(''),
  }
}

/** Why a rule that is written now is none, though one that is stored would do; undefined: it is one, or no more than that. */
export function freshProblems({ rule }: CompiledRule, type: CelType): { rule?: string; message?: string } {
  const oldSelf: CelType = rule.optionalOldSelf ? { kind: 'optional', of: type } : type
  const why = (wanted: 'bool' | 'string', source = '') =>
    laterMacro.test(source) ? compileTo(wanted, source, { self: type, oldSelf }, true).problem : undefined
  const [main, message] = [why('bool', rule.rule), why('string', rule.messageExpression)]
  return {
    ...(main === undefined ? {} : { rule: main }),
    ...(message === undefined ? {} : { message: `messageExpression ${message}` }),
  }
}

/** What may be a macro that only stored rules may use. */
const laterMacro = /\.\s*(?:all|exists|exists_one|existsOne|transform\w+|bind)\s*\(/

function compileTo(
  wanted: 'bool' | 'string',
  source: string,
  variables: Record<string, CelType>,
  fresh = false,
): { program?: CelProgram; problem?: string } {
  try {
    const program = compileCel(source, { variables, fresh })
    if (typeText(program.resultType) === wanted) return { program }
    return { problem: wanted === 'bool' ? 'cel expression must evaluate to a bool' : 'must evaluate to a string' }
  } catch (error) {
    if (error instanceof CelCompileError) return { problem: error.message }
    throw error
  }
}
