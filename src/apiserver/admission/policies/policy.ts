import { cel } from '../../../models/cel/index.ts'
import {
  type Compiled,
  type PatchType,
  PolicyExpressions,
} from '../../../models/kinds/admissionregistration/policy-expressions.ts'
import type { MutatingAdmissionPolicy, ValidatingAdmissionPolicy } from '../../../models/kinds/index.ts'
import type {
  MatchCondition,
  MatchResources,
  ParamKind,
  ParamRef,
  ValidatingAdmissionPolicyBinding,
  Validation,
  Variable,
} from '../../../models/types/admissionregistration-v1.ts'
import { Matcher } from '../matching/matcher.ts'

export interface CompiledValidation {
  program: Compiled
  message: Compiled | undefined
  source: Validation
}

/** What policies of both kinds say. */
export interface PolicyBasisSpec {
  failurePolicy?: string
  paramKind?: ParamKind
  matchConstraints?: MatchResources
  matchConditions?: MatchCondition[]
  variables?: Variable[]
}

/** Whom a policy concerns, and what it is told; made once for each state of it. */
export class PolicyBasis {
  readonly name: string
  /** What fails lets the request pass. */
  readonly failOpen: boolean
  readonly matcher: Matcher
  readonly paramKind: ParamKind | undefined
  readonly conditions: Compiled[]
  readonly variables: readonly { name: string; program: Compiled }[]
  protected readonly expressions: PolicyExpressions

  constructor(name: string, spec: PolicyBasisSpec) {
    const expressions = new PolicyExpressions(spec)
    this.expressions = expressions
    this.name = name
    this.failOpen = spec.failurePolicy === 'Ignore'
    this.matcher = matcherOf(spec.matchConstraints)
    this.paramKind = spec.paramKind
    this.conditions = (spec.matchConditions ?? []).map(c => expressions.compileCondition(c.expression))
    this.variables = expressions.variables
  }
}

/** A policy that is ready to be asked. */
export class Policy extends PolicyBasis {
  readonly validations: CompiledValidation[]
  readonly annotations: { key: string; program: Compiled }[]

  constructor({ metadata, spec }: ValidatingAdmissionPolicy) {
    super(metadata.name!, spec)
    const { expressions } = this
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

export interface CompiledMutation {
  program: Compiled
  patchType: PatchType
}

/** A policy that is ready to change what it is asked about. */
export class MutatingPolicy extends PolicyBasis {
  readonly mutations: CompiledMutation[]
  /** It wants to see what others change after it. */
  readonly reinvoke: boolean

  constructor({ metadata, spec }: MutatingAdmissionPolicy) {
    super(metadata.name!, spec)
    this.reinvoke = spec.reinvocationPolicy === 'IfNeeded'
    this.mutations = (spec.mutations ?? []).map(mutation => {
      const patchType = mutation.patchType as PatchType
      const said = patchType === 'JSONPatch' ? mutation.jsonPatch : mutation.applyConfiguration
      return { patchType, program: this.expressions.compileMutation(said?.expression ?? '', patchType) }
    })
  }
}

/** What bindings of both kinds say. */
interface BindingObject {
  metadata: { name: string }
  spec: Partial<ValidatingAdmissionPolicyBinding['spec']>
}

/** A binding that is ready to be asked. */
export class Binding {
  readonly name: string
  readonly policyName: string
  readonly paramRef: ParamRef | undefined
  /** Of validating ones. */
  readonly actions: readonly string[]
  /** Undefined: whatever the policy matches. */
  readonly matcher: Matcher | undefined

  constructor({ metadata, spec }: BindingObject) {
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
