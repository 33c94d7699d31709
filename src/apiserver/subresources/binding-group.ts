import { type ApiError, invalidError } from '../../models/api-error.ts'
import { BindingGroup } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { BindingGroupPod } from '../../models/types/optiflow-v1.ts'
import type { AuthorizerChain } from '../authz/authorizer.ts'
import { readObject } from '../bodies/object-body.ts'
import type { ComputedVerbs, ResourceCall } from '../core.ts'
import { valueReply } from '../replies/object-form.ts'
import { isDryRun } from '../verbs/write-options.ts'
import { bindPod } from './binding.ts'
import { oneOfGroup } from './of-group.ts'

const toBind = { verb: 'create', subresource: 'binding' }

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

function bindOne(
  call: ResourceCall,
  authorizer: AuthorizerChain,
  pod: BindingGroupPod,
  dryRun: boolean,
): Promise<ApiError | undefined> {
  const { core, user, warnings } = call
  const { namespace, name, uid, node, annotations } = pod
  return oneOfGroup(call, authorizer, pod, [toBind], () => {
    const metadata = { namespace, name, ...(uid ? { uid } : {}), ...(annotations ? { annotations } : {}) }
    const target = { kind: 'Node', name: node ?? '' }
    const binding = { kind: 'Binding', apiVersion: 'v1', metadata, target } as unknown as AnyObject
    return bindPod({ core, user, warnings, dryRun, namespace: namespace! }, name!, binding)
  })
}
