import { fail } from '../errors.ts'
import { cel } from '../types.ts'
import { Opaque } from '../values/value.ts'
import { costs, exactly, perCharacter, plus, times } from './costs.ts'
import { library, method, type Overload, type Size } from './function.ts'

/** Whether somebody may do something. */
export interface AuthorizationQuestion {
  verb: string
  /** Of a path that belongs to no resource; then the rest is empty. */
  path: string
  group: string
  resource: string
  subresource: string
  namespace: string
  name: string
  fieldSelector: string
  labelSelector: string
  /** Asked for instead of the one who sent the request. */
  serviceAccount?: { namespace: string; name: string }
}

export interface AuthorizationAnswer {
  allowed: boolean
  reason: string
  /** Why there is no answer; '' if there is one. */
  error: string
}

export type AskAuthorizer = (question: AuthorizationQuestion) => AuthorizationAnswer

const { bool, string } = cel
const names = {
  authorizer: 'kubernetes.authorization.Authorizer',
  path: 'kubernetes.authorization.PathCheck',
  group: 'kubernetes.authorization.GroupCheck',
  resource: 'kubernetes.authorization.ResourceCheck',
  decision: 'kubernetes.authorization.Decision',
} as const

/** The type of the variables `authorizer` and, as a resource, `authorizer.requestResource`. */
export const authorizerType = cel.opaque(names.authorizer)
export const resourceCheckType = cel.opaque(names.resource)
const pathCheck = cel.opaque(names.path)
const groupCheck = cel.opaque(names.group)
const decision = cel.opaque(names.decision)

/** A question that is being put together: `authorizer`, and each step from there to `check`. */
export class Question extends Opaque {
  readonly typeName: string
  readonly ask: AskAuthorizer
  readonly asked: Partial<AuthorizationQuestion>
  constructor(typeName: string, ask: AskAuthorizer, asked: Partial<AuthorizationQuestion>) {
    super()
    this.typeName = typeName
    this.ask = ask
    this.asked = asked
  }
  equals(other: Opaque): boolean {
    return JSON.stringify(this.asked) === JSON.stringify((other as Question).asked)
  }
  with(typeName: string, more: Partial<AuthorizationQuestion>): Question {
    return new Question(typeName, this.ask, { ...this.asked, ...more })
  }
}

/** The value of the variable `authorizer`. */
export const authorizerValue = (ask: AskAuthorizer): Question => new Question(names.authorizer, ask, {})

/** The value of `authorizer.requestResource`: a question about what the request is about. */
export const requestResource = (ask: AskAuthorizer, about: Partial<AuthorizationQuestion>): Question =>
  new Question(names.resource, ask, about)

class Decision extends Opaque {
  readonly typeName = names.decision
  readonly answer: AuthorizationAnswer
  constructor(answer: AuthorizationAnswer) {
    super()
    this.answer = answer
  }
  equals(other: Opaque): boolean {
    const { allowed, reason, error } = (other as Decision).answer
    return this.answer.allowed === allowed && this.answer.reason === reason && this.answer.error === error
  }
}

function check(question: Question, verb: string): Decision {
  const blank = { path: '', group: '', resource: '', subresource: '', namespace: '', name: '' }
  return new Decision(question.ask({ ...blank, fieldSelector: '', labelSelector: '', ...question.asked, verb }))
}

const step = (id: string, from: typeof authorizerType, to: typeof authorizerType, field: keyof AuthorizationQuestion) =>
  method(id, [from, string], to, (of: Question, value: string) => of.with(to.name, { [field]: value }), costs(1))

function path(of: Question, value: string): Question {
  return value === '' ? fail('path must not be empty') : of.with(names.path, { path: value })
}

/** Two checks fit into what an expression may cost. */
const checkCosts = costs(350_000)

/** Reading a selector, and a list with an object for every second character. */
function selectorCost(size: Size): Size {
  const requirements = times(times(size, 0.5), 50)
  return plus(plus(exactly(10), times(size, perCharacter)), requirements)
}

const selects: Pick<Overload, 'cost' | 'estimate'> = {
  cost: args => selectorCost(exactly((args[1] as string).length)).max,
  estimate: args => ({ cost: selectorCost(args[1]!.size) }),
}

const resourceCheck = resourceCheckType

/** Kubernetes' authorizer: `authorizer.group('').resource('pods').check('create').allowed()`. */
export const authorizerFunctions = library({
  path: [method('authorizer_path', [authorizerType, string], pathCheck, path, costs(1))],
  group: [step('authorizer_group', authorizerType, groupCheck, 'group')],
  serviceAccount: [
    method(
      'authorizer_serviceaccount',
      [authorizerType, string, string],
      authorizerType,
      (of: Question, namespace: string, name: string) =>
        of.with(names.authorizer, { serviceAccount: { namespace, name } }),
      costs(1),
    ),
  ],
  resource: [step('groupcheck_resource', groupCheck, resourceCheck, 'resource')],
  subresource: [step('resourcecheck_subresource', resourceCheck, resourceCheck, 'subresource')],
  namespace: [step('resourcecheck_namespace', resourceCheck, resourceCheck, 'namespace')],
  name: [step('resourcecheck_name', resourceCheck, resourceCheck, 'name')],
  fieldSelector: [{ ...step('authorizer_fieldselector', resourceCheck, resourceCheck, 'fieldSelector'), ...selects }],
  labelSelector: [{ ...step('authorizer_labelselector', resourceCheck, resourceCheck, 'labelSelector'), ...selects }],
  check: [
    method('pathcheck_check', [pathCheck, string], decision, check, checkCosts),
    method('resourcecheck_check', [resourceCheck, string], decision, check, checkCosts),
  ],
  errored: [method('decision_errored', [decision], bool, ({ answer }: Decision) => answer.error !== '', costs(1))],
  error: [method('decision_error', [decision], string, ({ answer }: Decision) => answer.error, costs(1))],
  allowed: [
    method(
      'decision_allowed',
      [decision],
      bool,
      ({ answer }: Decision) => answer.allowed && answer.error === '',
      costs(1),
    ),
  ],
  reason: [method('decision_reason', [decision], string, ({ answer }: Decision) => answer.reason, costs(1))],
})
