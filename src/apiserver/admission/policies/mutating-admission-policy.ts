import { ApiError } from '../../../models/api-error.ts'
import { MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding } from '../../../models/kinds/index.ts'
import type { Authorizer } from '../../authz/authorizer.ts'
import type { Resource } from '../../resources.ts'
import type { KeptObject } from '../../watch-cache/kept-object.ts'
import { type Admission, type AdmissionPlugin, forbidden } from '../chain.ts'
import { isExempt } from '../matching/matcher.ts'
import { replaceObject } from '../replace-object.ts'
import { SecondTurns, type Turns } from '../second-turn.ts'
import { AskedOnce } from './authorizer.ts'
import { meetsConditions, Run } from './evaluation.ts'
import { type Invocation, invocations, type Refuse, remembered } from './invocations.ts'
import { MutationFailed, mutated } from './mutation.ts'
import { Binding, type CompiledMutation, MutatingPolicy } from './policy.ts'
import { policyInput } from './request.ts'

/** What a policy says when it refuses; of what it cannot be used for there is no reason. */
interface Denial {
  message: string
  reason: string
}

/** MutatingAdmissionPolicies: expressions that change what they match, before webhooks see it. */
export function mutatingAdmissionPolicies(authorizer: Authorizer): AdmissionPlugin {
  const policies = new WeakMap<KeptObject, MutatingPolicy>()
  const bindings = new WeakMap<KeptObject, Binding>()
  const turns = new SecondTurns<string>()
  return {
    name: 'MutatingAdmissionPolicy',
    asksOthers: true,
    settlesDefaults: true,
    handles: resource => !isExempt(resource),
    mutate(admission) {
      const { core } = admission
      const bucket = core.cache.bucket(core.resources.of(MutatingAdmissionPolicyBinding))
      // Mostly there are none, and then nothing is waited for.
      if (bucket.size === 0) return
      const all = bucket.list().map(kept => remembered(bindings, kept, core, Binding))
      const known = core.cache.bucket(core.resources.of(MutatingAdmissionPolicy)).list()
      const asked = known.map(kept => remembered(policies, kept, core, MutatingPolicy))
      return new Mutating(admission, authorizer, turns.of(admission)).change(asked, all)
    },
  }
}

/** What all policies do to one object, in one turn. */
class Mutating {
  readonly #admission: Admission
  readonly #asked: AskedOnce
  readonly #turns: Turns<string>
  readonly #denials: Denial[] = []

  constructor(admission: Admission, authorizer: Authorizer, turns: Turns<string>) {
    this.#admission = admission
    this.#asked = new AskedOnce(authorizer, admission)
    this.#turns = turns
  }

  /** Each sees what those before it have changed; whom they concern is decided before. @throws ApiError */
  async change(policies: readonly MutatingPolicy[], bindings: readonly Binding[]): Promise<void> {
    this.#turns.begin()
    const all: [MutatingPolicy, Invocation][] = []
    for (const policy of policies) {
      const own = bindings.filter(binding => binding.policyName === policy.name)
      const refuse: Refuse = (binding, message) => this.#deny(policy, binding, message, '')
      if (own.length)
        for (const invocation of await invocations(this.#admission, policy, own, refuse)) all.push([policy, invocation])
    }
    for (const [policy, invocation] of all) await this.#invoke(policy, invocation)
    this.#turns.end()
    if (this.#denials.length) throw this.#refusal()
  }

  async #invoke(policy: MutatingPolicy, invocation: Invocation): Promise<void> {
    const { binding, param } = invocation
    const variables = await this.#variables(invocation)
    const { met, error } = await this.#asked.run(() => meetsConditions(policy.conditions, variables))
    if (error) this.#fail(policy, binding, error)
    if (!met) return
    const { namespace = '', name = '' } = param?.metadata ?? {}
    const key = `${policy.name} ${binding.name} ${namespace}/${name}`
    if (!this.#turns.isOf(key)) return
    let changed = false
    for (const mutation of policy.mutations)
      if (this.#admission.object && (await this.#mutate(policy, invocation, mutation))) changed = true
    if (changed) this.#turns.changed()
    if (policy.reinvoke) this.#turns.wantsMore(key)
  }

  /** @returns whether anything is different now */
  async #mutate(
    policy: MutatingPolicy,
    invocation: Invocation,
    { program, patchType }: CompiledMutation,
  ): Promise<boolean> {
    const { resource, binding } = invocation
    const variables = await this.#variables(invocation)
    const result = await this.#asked.run(() => new Run(policy, variables).compute(program))
    if ('error' in result) {
      this.#fail(policy, binding, result.error)
      return false
    }
    try {
      const next = mutated(resource.kind, variables.object!, patchType, result.value)
      return next !== undefined && (await this.#replace(resource, next))
    } catch (error) {
      if (!(error instanceof MutationFailed)) throw error
      this.#fail(policy, binding, error.message)
      return false
    }
  }

  async #replace(resource: Resource, next: NonNullable<Admission['object']>): Promise<boolean> {
    try {
      return await replaceObject(this.#admission, resource, next, resource.kind.custom ? 'Ignore' : 'Strict')
    } catch (error) {
      // What the policy made is no such object.
      if (error instanceof ApiError) throw new MutationFailed(error.message, { cause: error })
      throw error
    }
  }

  async #variables({ resource, param }: Invocation) {
    return { ...(await policyInput(this.#admission, resource)), ...this.#asked.variables, params: param }
  }

  #fail(policy: MutatingPolicy, binding: Binding, message: string): void {
    if (!policy.failOpen) this.#deny(policy, binding, message, 'Invalid')
  }

  #deny(policy: MutatingPolicy, binding: Binding | undefined, message: string, reason: string): void {
    const who = binding ? `policy '${policy.name}' with binding '${binding.name}'` : `policy "${policy.name}"`
    this.#denials.push({ message: `${who} denied request: ${message}`, reason })
  }

  #refusal(): ApiError {
    const { code, details, reason } = forbidden(this.#admission, '')
    const [first] = this.#denials
    return new ApiError(first!.reason || reason, first!.message, {
      code,
      details: { ...details, causes: this.#denials.map(({ message }) => ({ message })) },
    })
  }
}
