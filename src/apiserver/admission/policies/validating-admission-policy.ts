import { ApiError, type Reason, reasons } from '../../../models/api-error.ts'
import { ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding } from '../../../models/kinds/index.ts'
import type { Authorizer } from '../../authz/authorizer.ts'
import type { KeptObject } from '../../watch-cache/kept-object.ts'
import { type Admission, type AdmissionPlugin, forbidden } from '../chain.ts'
import { isExempt } from '../matching/matcher.ts'
import { AskedOnce } from './authorizer.ts'
import { type Decision, evaluate, type Outcome } from './evaluation.ts'
import { invocations, type Refuse, remembered } from './invocations.ts'
import { Binding, Policy } from './policy.ts'
import { type PolicyInput, policyInput } from './request.ts'

/** Why a policy refuses, and by which binding; without one, the policy itself cannot be used. */
interface Denial {
  policy: string
  binding: string | undefined
  message: string
  reason: string
}

const maxAnnotationLength = 10 * 1024

/** ValidatingAdmissionPolicies: expressions that every change of what they match must satisfy. */
export function validatingAdmissionPolicies(authorizer: Authorizer): AdmissionPlugin {
  const policies = new WeakMap<KeptObject, Policy>()
  const bindings = new WeakMap<KeptObject, Binding>()
  return {
    name: 'ValidatingAdmissionPolicy',
    asksOthers: true,
    handles: resource => !isExempt(resource),
    validate(admission) {
      const { core } = admission
      const bucket = core.cache.bucket(core.resources.of(ValidatingAdmissionPolicyBinding))
      // Mostly there are none, and then nothing is waited for.
      if (bucket.size === 0) return
      const all = bucket.list().map(kept => remembered(bindings, kept, core, Binding))
      return new Judgement(admission, authorizer, policies).judge(all)
    },
  }
}

/** What all policies say about one request. */
class Judgement {
  readonly #admission: Admission
  readonly #asked: AskedOnce
  readonly #policies: WeakMap<KeptObject, Policy>
  readonly #denials: Denial[] = []
  /** For the audit event. */
  readonly #failures: object[] = []
  readonly #annotations = new Map<string, Set<string>>()
  readonly #inputs = new Map<object, PolicyInput>()

  constructor(admission: Admission, authorizer: Authorizer, policies: WeakMap<KeptObject, Policy>) {
    this.#admission = admission
    this.#asked = new AskedOnce(authorizer, admission)
    this.#policies = policies
  }

  /** @throws ApiError with the first refusal */
  async judge(bindings: readonly Binding[]): Promise<void> {
    const { core } = this.#admission
    for (const kept of core.cache.bucket(core.resources.of(ValidatingAdmissionPolicy)).list()) {
      const policy = remembered(this.#policies, kept, core, Policy)
      const own = bindings.filter(binding => binding.policyName === policy.name)
      if (own.length) await this.#ask(policy, own)
    }
    this.#annotate()
    const [first] = this.#denials
    if (first) throw refusal(this.#admission, first)
  }

  async #ask(policy: Policy, bindings: Binding[]): Promise<void> {
    const refuse: Refuse = (binding, message) => this.#deny(policy, binding, { index: 0, message, reason: '' })
    for (const { resource, binding, param } of await invocations(this.#admission, policy, bindings, refuse)) {
      let input = this.#inputs.get(resource)
      if (!input) this.#inputs.set(resource, (input = await policyInput(this.#admission, resource)))
      const variables = { ...input, ...this.#asked.variables, params: param }
      this.#act(policy, binding, await this.#asked.run(() => evaluate(policy, variables)))
    }
  }

  #deny(policy: Policy, binding: Binding | undefined, { message, reason }: Decision): void {
    this.#denials.push({ policy: policy.name, binding: binding?.name, message, reason })
  }

  #act(policy: Policy, binding: Binding, { decisions, annotations }: Outcome): void {
    for (const decision of decisions) {
      if (binding.actions.includes('Deny')) this.#deny(policy, binding, decision)
      if (binding.actions.includes('Warn'))
        this.#admission.warnings.push(
          `Validation failed for ValidatingAdmissionPolicy '${policy.name}' with binding '${binding.name}': ${decision.message}`,
        )
      if (binding.actions.includes('Audit')) this.#failures.push(auditedFailure(policy, binding, decision))
    }
    for (const { key, value } of annotations) {
      const name = `${policy.name}/${key}`
      const values = this.#annotations.get(name) ?? new Set()
      this.#annotations.set(name, values.add(value.slice(0, maxAnnotationLength)))
    }
  }

  #annotate(): void {
    const { core } = this.#admission
    if (this.#failures.length)
      core.annotate('validation.policy.admission.k8s.io/validation_failure', JSON.stringify(this.#failures))
    for (const [name, values] of this.#annotations) core.annotate(name, [...values].join(', '))
  }
}

const auditedFailure = (policy: Policy, binding: Binding, { message, index }: Decision) => ({
  ...{ message, policy: policy.name, binding: binding.name, expressionIndex: index },
  validationActions: binding.actions,
})

function refusal(admission: Admission, { policy, binding, message, reason }: Denial): ApiError {
  const bound = binding === undefined ? '' : ` with binding '${binding}'`
  const text = `ValidatingAdmissionPolicy '${policy}'${bound} denied request: ${message}`
  const base = forbidden(admission, text)
  const why = reason || 'Invalid'
  return new ApiError(why, base.message, {
    code: Object.hasOwn(reasons, why) ? reasons[why as Reason].code : 422,
    details: { ...base.details, causes: [{ message: text }] },
  })
}
