import {
  type AskAuthorizer,
  type AuthorizationAnswer,
  type AuthorizationQuestion,
  authorizerValue,
  requestResource,
} from '../../../models/cel/index.ts'
import type { UserInfo } from '../../../models/rest.ts'
import type { Attributes, Authorizer } from '../../authz/authorizer.ts'
import type { Admission } from '../chain.ts'

/** Thrown out of an evaluation that asks what nobody has answered yet. */
class Unanswered {
  readonly answered: Promise<void>
  constructor(answered: Promise<void>) {
    this.answered = answered
  }
}

/**
 * The variables `authorizer` and `authorizer.requestResource` for one request. Expressions run without waiting, but
 * answers may have to be waited for: an evaluation that lacks one begins again when it is there.
 */
export class AskedOnce {
  readonly #authorizer: Authorizer
  readonly #admission: Admission
  readonly #answers = new Map<string, AuthorizationAnswer>()

  constructor(authorizer: Authorizer, admission: Admission) {
    this.#authorizer = authorizer
    this.#admission = admission
  }

  get variables(): Record<string, unknown> {
    const { resource, subresource, namespace = '', name } = this.#admission
    const about = { group: resource.kind.group, resource: resource.kind.plural, subresource, namespace, name }
    return {
      authorizer: authorizerValue(this.#ask),
      'authorizer.requestResource': requestResource(this.#ask, about),
    }
  }

  async run<T>(evaluate: () => T): Promise<T> {
    for (;;)
      try {
        return evaluate()
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error
        await error.answered
      }
  }

  readonly #ask: AskAuthorizer = question => {
    const key = JSON.stringify(question)
    const known = this.#answers.get(key)
    if (known) return known
    throw new Unanswered(this.#answer(question).then(answer => void this.#answers.set(key, answer)))
  }

  async #answer(question: AuthorizationQuestion): Promise<AuthorizationAnswer> {
    try {
      const decision = await this.#authorizer.authorize(attributesOf(question, this.#admission.user))
      return { allowed: decision?.allowed ?? false, reason: decision?.reason ?? '', error: '' }
    } catch (error) {
      return { allowed: false, reason: '', error: (error as Error).message }
    }
  }
}

function attributesOf(question: AuthorizationQuestion, requester: UserInfo): Attributes {
  const { verb, path, group, resource, subresource, namespace, name, fieldSelector, serviceAccount } = question
  const user = serviceAccount ? accountUser(serviceAccount.namespace, serviceAccount.name) : requester
  if (path) return { user, verb, path }
  return {
    ...{ user, verb, path: '' },
    resource: { group, version: '*', plural: resource, subresource, namespace, name },
    ...(fieldSelector ? { fieldSelector } : {}),
  }
}

function accountUser(namespace: string, name: string): UserInfo {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  }
}
