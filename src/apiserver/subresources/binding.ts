import { timestamp } from '../../base/clock.ts'
import { ApiError, badRequest, conflictError } from '../../models/api-error.ts'
import { type FieldError, notSupported, required } from '../../models/field-error.ts'
import { Binding, Pod } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { readObject } from '../bodies/object-body.ts'
import type { CallHandler } from '../core.ts'
import { type Asked, admitRequest, askedBy } from '../objects/admit-request.ts'
import { refuse } from '../objects/create-object.ts'
import { settleNamespace } from '../objects/system-fields.ts'
import { updateObject } from '../objects/update-object.ts'
import { valueReply } from '../replies/object-form.ts'
import { successStatus } from '../replies/reply.ts'

/** POST pods/NAME/binding: the scheduler's word on where a pod runs. */
export const createBinding: CallHandler = async call => {
  const binding = readObject(call, Binding)
  const said = binding.metadata.name
  settleNamespace(call.resource, call.path, binding)
  if (said !== call.path.name) throw badRequest('name in URL does not match name in Binding object')
  refuseBinding(binding)
  await bindPod(askedBy(call), call.path.name!, binding)
  return valueReply(call, 201, { ...successStatus(), code: 201 })
}

/** POST bindings: the same with the pod's name in the body. */
export const createLooseBinding: CallHandler = async call => {
  const binding = readObject(call, Binding)
  settleNamespace(call.resource, call.path, binding)
  refuseBinding(binding)
  if (!binding.metadata.name) throw badRequest('Name parameter required.')
  // What only the system writes is not heard there: which pod of that name is meant is said at the pod alone.
  binding.metadata.uid = ''
  await bindPod(askedBy(call), binding.metadata.name, binding)
  return valueReply(call, 201, { ...successStatus(), code: 201 })
}

function checkTarget({ target }: AnyObject): FieldError[] {
  return [
    ...(target?.kind && target.kind !== 'Node' ? [notSupported('target.kind', target.kind, ['Node', '<empty>'])] : []),
    ...(target?.name ? [] : [required('target.name')]),
  ]
}

/** Of a single binding, Kubernetes says it without a reason. @throws ApiError 500 */
function refuseBinding(binding: AnyObject): void {
  const texts = checkTarget(binding).map(error => `${error.field}: ${error.message}`)
  if (texts.length) throw new ApiError('', texts.length > 1 ? `[${texts.join(', ')}]` : texts[0]!, { code: 500 })
}

/** Puts a pod on the node that the binding names. @throws ApiError */
export async function bindPod(asked: Asked, name: string, binding: AnyObject): Promise<void> {
  const { core, user, warnings, dryRun, namespace } = asked
  const pods = core.resources.of(Pod)
  const node: string = binding['target']?.name ?? ''
  refuse(core.resources.of(Binding), { ...binding, metadata: { ...binding.metadata, name } }, checkTarget(binding))
  const admitting = admitRequest(asked, pods, 'binding', name, binding)
  if (admitting) await admitting
  // Annotations of the binding are the one thing that is the caller's word.
  const sound = !binding.metadata.annotations
  await updateObject(
    core,
    pods,
    namespace,
    name,
    pod => {
      const other = otherThan(binding, pod)
      if (other) throw conflictError(pods.kind, name, other)
      const why = whyUnbound(pod)
      if (why) throw conflictError({ ...pods.kind, plural: 'pods/binding' }, name, why)
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

/** Why a pod cannot be given a node; undefined if it can. */
function whyUnbound({ metadata, spec }: AnyObject): string | undefined {
  if (metadata.deletionTimestamp) return `pod ${metadata.name} is being deleted, cannot be assigned to a host`
  if (spec.nodeName) return `pod ${metadata.name} is already assigned to node ${JSON.stringify(spec.nodeName)}`
  return spec.schedulingGates?.length ? `pod ${metadata.name} has non-empty .spec.schedulingGates` : undefined
}

/** Another pod of that name was meant, or this one as it was; in the words of Kubernetes' store. Undefined: this one. */
function otherThan({ metadata: wanted }: AnyObject, { metadata }: AnyObject): string | undefined {
  const at = `Key: /pods/${metadata.namespace}/${metadata.name}, ResourceVersion: 0`
  for (const [field, title] of preconditions) {
    if (!wanted[field] || wanted[field] === metadata[field]) continue
    const differ = `${title} in precondition: ${wanted[field]}, ${title} in object meta: ${metadata[field]}`
    return `StorageError: invalid object, Code: 4, ${at}, AdditionalErrorMsg: Precondition failed: ${differ}`
  }
  return undefined
}

const preconditions = [
  ['uid', 'UID'],
  ['resourceVersion', 'ResourceVersion'],
] as const

/** The pod on its node. All that stays as it was is shared with the present state. */
function boundTo(node: string, pod: AnyObject, { metadata: { annotations } }: AnyObject, now: string): AnyObject {
  const metadata = { ...pod.metadata, resourceVersion: '' }
  if (annotations) metadata.annotations = { ...pod.metadata.annotations, ...annotations }
  const status = { ...pod['status'], conditions: withScheduled(pod['status']?.conditions ?? [], now) }
  return { ...pod, metadata, spec: { ...pod['spec'], nodeName: node }, status }
}

function withScheduled(conditions: { type: string; status?: string }[], now: string): object[] {
  const others = conditions.filter(c => c.type !== 'PodScheduled')
  return [...others, { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: now }]
}
