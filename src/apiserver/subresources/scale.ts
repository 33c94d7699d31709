import { ApiError, badRequest, conflictError, invalidError, notFoundError } from '../../models/api-error.ts'
import { invalid } from '../../models/field-error.ts'
import { Scale } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { ApiReply } from '../../models/rest.ts'
import { columnDefinitionsOf, rowOf } from '../../models/table.ts'
import { readObject } from '../bodies/object-body.ts'
import type { CallHandler, ResourceCall } from '../core.ts'
import { trackPlainWrite } from '../objects/field-owners.ts'
import { updateObject } from '../objects/update-object.ts'
import { acceptedForm } from '../replies/accept.ts'
import { encodeValue, includeObject, mediaReply, tableOf } from '../replies/object-form.ts'
import { fromStored, prepare, servedObject } from '../storage/conversion.ts'
import { isApply, readApplication, refuseForce } from '../verbs/applied-configuration.ts'
import { Applying } from '../verbs/apply.ts'
import { readPatch, readPatched } from '../verbs/patch.ts'
import { fieldManager, isDryRun } from '../verbs/write-options.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'

const ofScale = ({ resource }: ResourceCall) => ({ ...resource.kind, plural: `${resource.kind.plural}/scale` })

/** Who reads misses the scale, of custom resources the object; who writes misses the object. */
const noScale = (call: ResourceCall): ApiError =>
  notFoundError(call.resource.kind.custom ? call.resource.kind : ofScale(call), call.path.name!)

export const getScale: CallHandler = async call => {
  const kept = call.core.cache.get(call.resource, call.path.namespace, call.path.name!)
  if (!kept) throw noScale(call)
  const pending = prepare(call.resource, [kept])
  if (pending) await pending
  return scaleReply(call, kept)
}

export const updateScale: CallHandler = async call => {
  const scale = readObject(call, Scale)
  refuseOtherName(call, scale)
  return write(call, () => scale)
}

function refuseOtherName({ path }: ResourceCall, { metadata: { name } }: AnyObject): void {
  if (name && name !== path.name)
    throw badRequest(`the name of the object (${name}) does not match the name on the URL (${path.name})`)
}

export const patchScale: CallHandler = async call => {
  if (isApply(call)) return applyScale(call)
  refuseForce(call)
  const change = readPatch(call)
  return write(call, present => {
    const next = readPatched(call, Scale, change.apply(present), change)
    refuseOtherName(call, next)
    if (next.metadata.resourceVersion === present.metadata.resourceVersion) next.metadata.resourceVersion = ''
    return next
  })
}

/** Server-side apply of a Scale: who applies owns the object's number of replicas, by way of `scale`. */
function applyScale(call: ResourceCall): Promise<ApiReply> {
  const application = readApplication(call, Scale)
  const { metadata, spec } = application.configuration
  const { kind, apiVersion } = call.resource
  application.configuration = { kind: kind.kind, apiVersion, metadata }
  if (spec?.replicas !== undefined) setAt(application.configuration, kind.scale!.specReplicas, spec.replicas)
  const applying = new Applying(call, application)
  return write(call, async (_, object) => scaleOf(call, await applying.next(structuredClone(object))), applying.track)
}

async function write(
  call: ResourceCall,
  nextScale: (present: AnyObject, object: AnyObject) => AnyObject | Promise<AnyObject>,
  track = trackPlainWrite(call.core, call.resource.kind, fieldManager(call), 'scale'),
): Promise<ApiReply> {
  const { core, resource, path } = call
  const kept = await updateObject(
    core,
    resource,
    path.namespace,
    path.name!,
    async object => {
      const served = fromStored(resource, object)
      const previous = scaleOf(call, served)
      const scale = await nextScale(structuredClone(previous), object)
      const { uid } = scale.metadata
      if (uid && uid !== object.metadata.uid)
        throw conflictError(
          ofScale(call),
          path.name!,
          `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${object.metadata.uid}`,
        )
      await core.admission.admit({
        ...{ core, operation: 'UPDATE', resource, subresource: 'scale', namespace: path.namespace, name: path.name! },
        ...{ object: scale, previous, user: call.user, dryRun: isDryRun(call), warnings: call.warnings },
      })
      const replicas = scale['spec']?.replicas ?? 0
      if (!Number.isInteger(replicas) || replicas < 0)
        throw invalidError(Scale, path.name!, [
          invalid('spec.replicas', replicas, 'must be greater than or equal to 0'),
        ])
      setAt(served, resource.kind.scale!.specReplicas, replicas)
      served.metadata.resourceVersion = scale.metadata.resourceVersion ?? ''
      return served
    },
    {
      user: call.user,
      dryRun: isDryRun(call),
      warnings: call.warnings,
      subresource: 'scale',
      admitted: true,
      track,
    },
  )
  return scaleReply(call, kept)
}

function scaleReply(call: ResourceCall, kept: KeptObject): ApiReply {
  const scale = scaleOf(call, servedObject(call.resource, kept))
  const accepted = acceptedForm(call.request.headers['accept'], { transforms: ['Table'], protobuf: true })
  if (accepted.as !== 'Table') return mediaReply(accepted, 200, encodeValue(accepted, scale))
  const { version } = accepted
  const row = rowOf(Scale, scale, call.core.clock.now(), includeObject(call), version)
  const { resourceVersion } = scale.metadata
  const table = tableOf(version, { resourceVersion }, columnDefinitionsOf(Scale), [row])
  return mediaReply(accepted, 200, encodeValue(accepted, table))
}

function scaleOf(call: ResourceCall, object: AnyObject): AnyObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const paths = call.resource.kind.scale!
  const replicas = valueAt(object, paths.specReplicas)
  const selector = paths.selector(object)
  if (call.resource.form && typeof replicas !== 'number')
    throw new ApiError(
      'InternalError',
      `Internal error occurred: the spec replicas field ${JSON.stringify(paths.specReplicas)} does not exist`,
    )
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      ...(uid ? { uid } : {}),
      ...(resourceVersion ? { resourceVersion } : {}),
      ...(creationTimestamp ? { creationTimestamp } : {}),
    } as AnyObject['metadata'],
    spec: replicas ? { replicas: Number(replicas) } : {},
    status: {
      replicas: Number(valueAt(object, paths.statusReplicas) ?? 0),
      ...(selector ? { selector } : {}),
    },
  }
}

/** `spec.replicas`; a leading dot, as CustomResourceDefinitions write it, is fine. */
function steps(path: string): string[] {
  return path.replace(/^\./, '').split('.')
}

function valueAt(object: AnyObject, path: string): unknown {
  let at: any = object
  for (const step of steps(path)) at = Object.hasOwn(at ?? {}, step) ? at[step] : undefined
  return at
}

function setAt(object: AnyObject, path: string, value: unknown): void {
  const names = steps(path)
  const last = names.pop()!
  let at: any = object
  for (const name of names) at = at[name] ??= {}
  at[last] = value
}
