import { selectorFrom } from '../../../base/labels.ts'
import { groupVersionOf } from '../../../models/group-version.ts'
import type { AnyObject } from '../../../models/object.ts'
import type { ParamKind, ParamRef } from '../../../models/types/admissionregistration-v1.ts'
import type { Resource } from '../../resources.ts'
import { prepare, servedObject } from '../../storage/conversion.ts'
import type { KeptObject } from '../../watch-cache/kept-object.ts'
import type { Admission } from '../chain.ts'

/** A policy or binding that cannot be used as it is written. */
export class Misconfigured extends Error {}

/**
 * The parameters that a policy is evaluated with, once for each; undefined stands for none.
 * @throws Misconfigured
 */
export async function paramsFor(
  admission: Admission,
  resource: Resource | undefined,
  ref: ParamRef | undefined,
): Promise<(AnyObject | undefined)[]> {
  if (!resource || !ref) return [undefined]
  const found = select(admission, resource, ref)
  if (!found.length && ref.parameterNotFoundAction === 'Deny')
    throw new Misconfigured('no params found for policy binding with `Deny` parameterNotFoundAction')
  await prepare(resource, found)
  return found.map(kept => shownParam(admission, resource, kept))
}

/** What the parameters of a policy are. @throws Misconfigured if there is no such kind */
export function paramResource({ core }: Admission, { apiVersion = '', kind = '' }: ParamKind): Resource {
  const { group, version } = groupVersionOf(apiVersion)
  const resource = core.resources.findKind(group, kind, version)
  if (!resource)
    throw new Misconfigured(`failed to find resource referenced by paramKind: '${apiVersion}, Kind=${kind}'`)
  return resource
}

function select(admission: Admission, resource: Resource, ref: ParamRef): KeptObject[] {
  const { cache } = admission.core
  const namespace = resource.namespaced ? paramNamespace(admission, ref) : undefined
  if (!resource.namespaced && ref.namespace)
    throw new Misconfigured('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  if (ref.name) {
    const found = cache.get(resource, namespace, ref.name)
    return found ? [found] : []
  }
  const selector = selectorFrom(ref.selector)
  const all = cache.bucket(resource).list(namespace)
  return all.filter(kept => selector.matches(admission.core.shared(kept).metadata.labels))
}

function paramNamespace({ namespace }: Admission, ref: ParamRef): string {
  const chosen = ref.namespace || namespace
  if (chosen) return chosen
  throw new Misconfigured('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
}

function shownParam({ core }: Admission, resource: Resource, kept: KeptObject): AnyObject {
  return resource.form || resource.kind.storedAs ? servedObject(resource, kept) : core.shared(kept)
}
