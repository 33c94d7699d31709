import { explain } from '../../base/errors.ts'
import { ApiError } from '../../models/api-error.ts'
import { Pod } from '../../models/kinds/index.ts'
import { type AuthorizerChain, refusal } from '../authz/authorizer.ts'
import type { ResourceCall } from '../core.ts'

/** What a member of a group would ask for alone. */
export interface Right {
  verb: string
  /** Of pods; '' for the pod itself. */
  subresource: string
}

/**
 * Does for one pod of a group what was asked, if its sender has the rights: what is refused of one is no matter of the others.
 * @returns why not
 */
export async function oneOfGroup(
  { core, user }: ResourceCall,
  authorizer: AuthorizerChain,
  { namespace, name }: { namespace?: string; name?: string },
  rights: readonly Right[],
  work: () => Promise<unknown>,
): Promise<ApiError | undefined> {
  const { group, version, plural } = Pod
  try {
    for (const { verb, subresource } of rights) {
      const resource = { group, version, plural, subresource, namespace: namespace!, name: name! }
      const attributes = { user, verb, path: '', resource }
      const answer = authorizer.authorize(attributes)
      const decision = answer instanceof Promise ? await answer : answer
      if (!decision.allowed)
        throw new ApiError(
          'Forbidden',
          `pods ${JSON.stringify(name)} is forbidden: ${refusal(attributes, decision.reason)}`,
        )
    }
    await work()
    return undefined
  } catch (error) {
    if (error instanceof ApiError) return error
    core.log.error({ pod: `${namespace}/${name}`, error: explain(error) }, 'not written for a pod of a group')
    return new ApiError('ServerTimeout', `it was not written: ${explain(error)}`, {
      details: { retryAfterSeconds: 1 },
      cause: error,
    })
  }
}
