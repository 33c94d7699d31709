import { timestamp } from '../../base/clock.ts'
import type { Form } from '../../models/apply/forms.ts'
import { trackUpdate, type Writer } from '../../models/apply/managed-fields.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core } from '../core.ts'
import { typeOf } from '../model-engine.ts'
import { seeingOtherVersions } from './custom-owners.ts'

/** Settles metadata.managedFields of the next state, before admission changes it: who writes owns what he wrote, not what the house adds. */
export type TrackOwners = (next: AnyObject, previous: AnyObject | undefined) => void | Promise<void>

/** @param form the form that the objects are in, if it is not that of `kind` */
export function writerOf(core: Core, kind: Kind<any>, manager: string, subresource: string, form = kind): Writer {
  const leavesStatus = subresource === '' && kind.subresources?.includes('status') === true
  const writer: Writer = {
    ...{ manager, apiVersion: apiVersionOf(kind), subresource, time: timestamp(core.clock), leavesStatus },
    ...(kind.specIsNobodys ? { leavesSpec: true } : {}),
  }
  // Versions of a custom kind differ as its author likes: they are looked at when it comes to it.
  return kind.custom ? writer : { ...writer, formAt: formsOf(core, form, kind.group) }
}

/** How other versions of a group show objects of a form, and whether there are such versions. */
function formsOf(core: Core, kind: Kind<any>, ofGroup: string): (apiVersion: string) => Form | undefined {
  const own: Form = { type: typeOf(kind), view: object => object }
  return apiVersion => {
    const [version = '', group = ''] = apiVersion.split('/').reverse()
    if (group === kind.group && group === ofGroup && version === kind.version) return own
    if (group !== ofGroup && group !== 'extensions') return undefined
    const other = core.resources.findKind(group, kind.kind, version)
    if (!other) return isFormer(kind, group, version) ? own : undefined
    const stored = kind.storedAs?.kind ?? kind
    if (other.stored !== stored) return undefined
    const view = (object: AnyObject): AnyObject => {
      const copy = structuredClone(object)
      const kept = kind.storedAs ? kind.storedAs.toStored(copy as never) : copy
      return other.kind.storedAs ? other.kind.storedAs.fromStored(kept) : kept
    }
    return { type: typeOf(other.kind), view }
  }
}

/** Versions that Kubernetes once served: objects that were written then name them still. */
const isFormer = (kind: Kind<any>, group: string, version: string): boolean =>
  group === kind.group ? /^v\d+(?:alpha|beta)\d+$/.test(version) : group === 'extensions' && version === 'v1beta1'

/** A create, update or patch by `manager`: it owns what it changed, named as in the form that it wrote. */
export function trackPlainWrite(core: Core, kind: Kind<any>, manager: string, subresource = ''): TrackOwners {
  const stored = kind.storedAs?.kind ?? kind
  return (next, previous) => {
    const writer = writerOf(core, kind, manager, subresource, stored)
    const seeing = seeingOtherVersions(core, kind, writer, previous, next)
    // Kubernetes does not say when somebody scaled.
    const settle = (by: Writer) =>
      trackUpdate(typeOf(kind), previous, next, subresource === 'scale' ? { ...by, time: '' } : by)
    return seeing instanceof Promise ? seeing.then(settle) : settle(seeing)
  }
}
