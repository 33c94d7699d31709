import { explain } from '../../base/errors.ts'
import { ApiError, invalidError } from '../../models/api-error.ts'
import type { Kind } from '../../models/kind.ts'
import { Pod } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { type AuthorizerChain, refusal } from '../authz/authorizer.ts'
import { readObject } from '../bodies/object-body.ts'
import type { CallHandler, ResourceCall } from '../core.ts'
import { valueReply } from '../replies/object-form.ts'

/** What a member of a group would ask for alone. */
export interface Right {
  verb: string
  /** Of pods; '' for the pod itself. */
  subresource: string
}

/**
 * POST of a group of pods, in which each stands for itself.
 * @param one begins the request, and gives who does what is asked for one pod: why not, if not
 * @param done the field of the status that counts what was done
 */
export function createGroup<Member>(
  kind: Kind<any>,
  done: string,
  one: (call: ResourceCall) => (pod: Member) => Promise<ApiError | undefined>,
): CallHandler {
  return async call => {
    const group = readObject(call, kind)
    const errors = kind.validate!(group)
    if (errors.length) throw invalidError(kind, '', errors)
    const { pods } = group['spec'] as { pods: Member[] }
    const outcomes = await Promise.all(pods.map(one(call)))
    const refused = outcomes.flatMap((error, index) => (error ? [{ index, status: error.toStatus() }] : []))
    return valueReply(call, 201, {
      kind: kind.kind,
      apiVersion: `${kind.group}/${kind.version}`,
      metadata: { creationTimestamp: null },
      status: { [done]: pods.length - refused.length, ...(refused.length ? { refused } : {}) },
    } as unknown as AnyObject)
  }
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
