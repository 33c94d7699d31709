import { timestamp } from '../../base/clock.ts'
import { badRequest, conflictError } from '../../models/api-error.ts'
import { invalid } from '../../models/field-error.ts'
import { Binding, Pod } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { readObject } from '../bodies/object-body.ts'
import type { CallHandler } from '../core.ts'
import { type Asked, admitRequest, askedBy } from '../objects/admit-request.ts'
import { refuse } from '../objects/create-object.ts'
import { updateObject } from '../objects/update-object.ts'
import { valueReply } from '../replies/object-form.ts'
import { successStatus } from '../replies/reply.ts'

/** POST pods/NAME/binding: the scheduler's word on where a pod runs. */
export const createBinding: CallHandler = async call => {
  const binding = readObject(call, Binding)
  const said = binding.metadata.name
  if (said && said !== call.path.name)
    throw badRequest(`the name of the binding (${said}) does not match the pod's name in the URL (${call.path.name})`)
  await bindPod(askedBy(call), call.path.name!, binding)
  return valueReply(call, 201, { ...successStatus(), code: 201 })
}

/** POST bindings: the same with the pod's name in the body. */
export const createLooseBinding: CallHandler = async call => {
  const binding = readObject(call, Binding)
  if (!binding.metadata.name) throw badRequest('metadata.name of a binding is the name of the pod; it is missing')
  await bindPod(askedBy(call), binding.metadata.name, binding)
  return valueReply(call, 201, { ...successStatus(), code: 201 })
}

/** Puts a pod on the node that the binding names. @throws ApiError */
export async function bindPod(asked: Asked, name: string, binding: AnyObject): Promise<void> {
  const { core, user, warnings, dryRun, namespace } = asked
  const pods = core.resources.of(Pod)
  if (binding.metadata.namespace && binding.metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request')
  const node: string = binding['target']?.name ?? ''
  const kind: string = binding['target']?.kind ?? ''
  const errors = [
    ...(kind && kind !== 'Node' ? [invalid('target.kind', kind, 'must be empty or "Node"')] : []),
    ...(node === ''
      ? [{ field: 'target.name', reason: 'FieldValueRequired' as const, message: 'Required value' }]
      : []),
  ]
  refuse(core.resources.of(Binding), { ...binding, metadata: { ...binding.metadata, name } }, errors)
  await admitRequest(asked, pods, 'binding', name, binding)
  // Annotations of the binding are the one thing that is the caller's word.
  const sound = !binding.metadata.annotations
  await updateObject(
    core,
    pods,
    namespace,
    name,
    pod => {
      if (pod.metadata.deletionTimestamp)
        throw conflictError(pods.kind, name, `pod ${name} is being deleted, cannot be assigned to a host`)
      if (pod['spec'].nodeName)
        throw conflictError(
          pods.kind,
          name,
          `pod ${name} is already assigned to node ${JSON.stringify(pod['spec'].nodeName)}`,
        )
      if (pod['spec'].schedulingGates?.length)
        throw conflictError(pods.kind, name, `pod ${name} has non-empty .spec.schedulingGates`)
      if (binding.metadata.uid && binding.metadata.uid !== pod.metadata.uid)
        throw conflictError(
          pods.kind,
          name,
          `Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${pod.metadata.uid}`,
        )
      return boundTo(node, pod, binding, timestamp(core.clock))
    },
    {
      user,
      dryRun,
      warnings,
      subresource: 'binding',
      trusted: true,
      sound,
      // What is checked may be mended in place, and needs a copy for that.
      onlyReads: sound,
      admitted: true,
      // It had no node.
      differs: true,
    },
  )
}

/** The pod on its node. All that stays as it was is shared with the present state. */
function boundTo(
  node: string,
  pod: AnyObject,
  { metadata: { annotations, resourceVersion } }: AnyObject,
  now: string,
): AnyObject {
  const metadata = { ...pod.metadata, resourceVersion: resourceVersion ?? '' }
  if (annotations) metadata.annotations = { ...pod.metadata.annotations, ...annotations }
  const status = { ...pod['status'], conditions: withScheduled(pod['status']?.conditions ?? [], now) }
  return { ...pod, metadata, spec: { ...pod['spec'], nodeName: node }, status }
}

function withScheduled(conditions: { type: string; status?: string }[], now: string): object[] {
  const others = conditions.filter(c => c.type !== 'PodScheduled')
  return [...others, { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now }]
}
