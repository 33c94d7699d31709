import { cel } from '../../../models/cel/index.ts'
import { type Compiled, PolicyExpressions } from '../../../models/kinds/admissionregistration/policy-expressions.ts'
import type { ValidatingAdmissionPolicy } from '../../../models/kinds/index.ts'
import type {
  MatchResources,
  ParamKind,
  ValidatingAdmissionPolicyBinding,
  Validation,
} from '../../../models/types/admissionregistration-v1.ts'
import { Matcher } from '../matching/matcher.ts'

export interface CompiledValidation {
  program: Compiled
  message: Compiled | undefined
  source: Validation
}

/** A policy that is ready to be asked; made once for each state of it. */
export class Policy {
  readonly name: string
  /** What fails lets the request pass. */
  readonly failOpen: boolean
  readonly matcher: Matcher
  readonly paramKind: ParamKind | undefined
  readonly conditions: Compiled[]
  readonly variables: readonly { name: string; program: Compiled }[]
  readonly validations: CompiledValidation[]
  readonly annotations: { key: string; program: Compiled }[]

  constructor({ metadata, spec }: ValidatingAdmissionPolicy) {
    const expressions = new PolicyExpressions(spec)
    this.name = metadata.name!
    this.failOpen = spec.failurePolicy === 'Ignore'
    this.matcher = matcherOf(spec.matchConstraints)
    this.paramKind = spec.paramKind
    this.conditions = (spec.matchConditions ?? []).map(c => expressions.compileCondition(c.expression))
    this.variables = expressions.variables
    this.validations = (spec.validations ?? []).map(source => ({
      source,
      program: expressions.compile(source.expression, cel.bool),
      message: source.messageExpression ? expressions.compileMessage(source.messageExpression) : undefined,
    }))
    this.annotations = (spec.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
      key,
      program: expressions.compile(valueExpression, [cel.string, cel.null]),
    }))
  }
}

/** A binding that is ready to be asked. */
export class Binding {
  readonly name: string
  readonly policyName: string
  readonly paramRef: ValidatingAdmissionPolicyBinding['spec']['paramRef']
  readonly actions: readonly string[]
  /** Undefined: whatever the policy matches. */
  readonly matcher: Matcher | undefined

  constructor({ metadata, spec }: ValidatingAdmissionPolicyBinding) {
    this.name = metadata.name!
    this.policyName = spec.policyName ?? ''
    this.paramRef = spec.paramRef
    this.actions = spec.validationActions ?? []
    this.matcher = spec.matchResources && matcherOf(spec.matchResources)
  }
}

/** A binding without rules matches everything that its policy does. */
function matcherOf(match: MatchResources | undefined): Matcher {
  const everything = [{ apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'], operations: ['*'] }]
  return new Matcher({
    rules: match?.resourceRules?.length ? match.resourceRules : everything,
    excludeRules: match?.excludeResourceRules,
    matchPolicy: match?.matchPolicy,
    namespaceSelector: match?.namespaceSelector,
    objectSelector: match?.objectSelector,
  })
}
