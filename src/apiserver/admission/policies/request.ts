import { groupVersionOf } from '../../../models/group-version.ts'
import type { AnyObject } from '../../../models/object.ts'
import type { Resource } from '../../resources.ts'
import { convertObject } from '../../storage/conversion.ts'
import type { Admission } from '../chain.ts'
import { isNamespace, namespaceObject, requestedOf } from '../matching/matcher.ts'

/** What the expressions of policies look at, in the version that a policy's rules name. */
export interface PolicyInput {
  object: AnyObject | null
  oldObject: AnyObject | null
  request: Record<string, unknown>
  namespaceObject: AnyObject | null
}

/** @throws ApiError NotFound without the request's namespace, or when the objects cannot be converted */
export async function policyInput(admission: Admission, resource: Resource): Promise<PolicyInput> {
  const { core, namespace, object, previous } = admission
  return {
    object: await shown(admission, resource, object),
    oldObject: await shown(admission, resource, previous),
    request: admissionRequest(admission, resource),
    namespaceObject: namespace && !isNamespace(admission) ? namespaceFields(namespaceObject(core, namespace)) : null,
  }
}

/** Whether it is not an object of the resource, but something asked of it: a Scale, a Binding, PodExecOptions. */
export function isForeign({ object, previous, resource }: Admission): boolean {
  const given = object ?? previous
  return given !== undefined && given.kind !== resource.kind.kind
}

async function shown(
  admission: Admission,
  resource: Resource,
  object: AnyObject | undefined,
): Promise<AnyObject | null> {
  if (!object) return null
  if (resource === admission.resource || isForeign(admission)) return object
  return convertObject(admission.resource, resource, object)
}

export function admissionRequest(admission: Admission, resource: Resource): Record<string, unknown> {
  const { operation, subresource, name, user, dryRun, options } = admission
  const requested = requestedOf(admission)
  const namespace = isNamespace(admission) ? name : admission.namespace
  return {
    kind: kindOf(admission, resource),
    resource: resourceOf(resource),
    subResource: subresource,
    requestKind: kindOf(admission, requested),
    requestResource: resourceOf(requested),
    requestSubResource: subresource,
    name,
    namespace: namespace ?? '',
    operation,
    userInfo: {
      ...{ username: user.username, uid: user.uid ?? '', groups: user.groups },
      ...(user.extra ? { extra: user.extra } : {}),
    },
    dryRun,
    options: options ?? null,
  }
}

function kindOf(admission: Admission, resource: Resource): object {
  if (!isForeign(admission)) {
    const { group, version, kind } = resource.kind
    return { group, version, kind }
  }
  const { apiVersion, kind } = (admission.object ?? admission.previous)!
  const { group, version } = groupVersionOf(apiVersion)
  return { group, version, kind }
}

function resourceOf({ kind }: Resource): object {
  return { group: kind.group, version: kind.version, resource: kind.plural }
}

/** The field of the uid has a name of its own there. */
function namespaceFields(namespace: AnyObject): AnyObject {
  return { ...namespace, metadata: { ...namespace.metadata, UID: namespace.metadata.uid } as AnyObject['metadata'] }
}
