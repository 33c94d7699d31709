import { explain } from '../../base/errors.ts'
import { ApiError, invalidError } from '../../models/api-error.ts'
import { BindingGroup } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { BindingGroupPod } from '../../models/types/optiflow-v1.ts'
import { type AuthorizerChain, refusal } from '../authz/authorizer.ts'
import { readObject } from '../bodies/object-body.ts'
import type { ComputedVerbs, ResourceCall } from '../core.ts'
import { valueReply } from '../replies/object-form.ts'
import { isDryRun } from '../verbs/write-options.ts'
import { bindPod } from './binding.ts'

/**
 * POST bindinggroups: what as many bindings would do, each with its own right, admission and conflict. They are committed at
 * the same moment, so the store writes them in one transaction.
 */
export function bindingGroupHandler(authorizer: AuthorizerChain): [string, ComputedVerbs] {
  return [
    `${BindingGroup.group}/${BindingGroup.plural}`,
    {
      async create(call) {
        const group = readObject(call, BindingGroup) as BindingGroup & AnyObject
        const errors = BindingGroup.validate!(group)
        if (errors.length) throw invalidError(BindingGroup, '', errors)
        const pods = group.spec.pods!
        const dryRun = isDryRun(call)
        const outcomes = await Promise.all(pods.map(pod => bindOne(call, authorizer, pod, dryRun)))
        const refused = outcomes.flatMap((error, index) => (error ? [{ index, status: error.toStatus() }] : []))
        return valueReply(call, 201, answer(pods.length, refused))
      },
    },
  ]
}

const answer = (asked: number, refused: object[]) =>
  ({
    kind: BindingGroup.kind,
    apiVersion: `${BindingGroup.group}/${BindingGroup.version}`,
    metadata: { creationTimestamp: null },
    status: { bound: asked - refused.length, ...(refused.length ? { refused } : {}) },
  }) as unknown as AnyObject

/** @returns why not */
async function bindOne(
  { core, user, warnings }: ResourceCall,
  authorizer: AuthorizerChain,
  { namespace, name, uid, node, annotations }: BindingGroupPod,
  dryRun: boolean,
): Promise<ApiError | undefined> {
  try {
    const pod = { group: '', version: 'v1', plural: 'pods', subresource: 'binding', namespace: namespace!, name: name! }
    const attributes = { user, verb: 'create', path: '', resource: pod }
    const decision = await authorizer.authorize(attributes)
    if (!decision.allowed)
      throw new ApiError(
        'Forbidden',
        `pods ${JSON.stringify(name)} is forbidden: ${refusal(attributes, decision.reason)}`,
      )
    const metadata = { namespace, name, ...(uid ? { uid } : {}), ...(annotations ? { annotations } : {}) }
    const target = { kind: 'Node', name: node ?? '' }
    const binding = { kind: 'Binding', apiVersion: 'v1', metadata, target } as unknown as AnyObject
    await bindPod({ core, user, warnings, dryRun, namespace: namespace! }, name!, binding)
    return undefined
  } catch (error) {
    if (error instanceof ApiError) return error
    core.log.error({ pod: `${namespace}/${name}`, error: explain(error) }, 'binding not written')
    return new ApiError('ServerTimeout', `the binding was not written: ${explain(error)}`, {
      details: { retryAfterSeconds: 1 },
      cause: error,
    })
  }
}
