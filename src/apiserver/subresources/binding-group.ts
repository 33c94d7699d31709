import type { ApiError } from '../../models/api-error.ts'
import { BindingGroup } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { BindingGroupPod } from '../../models/types/optiflow-v1.ts'
import type { AuthorizerChain } from '../authz/authorizer.ts'
import type { ComputedVerbs, ResourceCall } from '../core.ts'
import { isDryRun } from '../verbs/write-options.ts'
import { bindPod } from './binding.ts'
import { createGroup, oneOfGroup } from './of-group.ts'

const toBind = { verb: 'create', subresource: 'binding' }

/**
 * POST bindinggroups: what as many bindings would do, each with its own right, admission and conflict. They are committed at
 * the same moment, so the store writes them in one transaction.
 */
export function bindingGroupHandler(authorizer: AuthorizerChain): [string, ComputedVerbs] {
  const create = createGroup<BindingGroupPod>(BindingGroup, 'bound', call => {
    const dryRun = isDryRun(call)
    return pod => bindOne(call, authorizer, pod, dryRun)
  })
  return [`${BindingGroup.group}/${BindingGroup.plural}`, { create }]
}

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
