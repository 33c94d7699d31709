import { timestamp } from '../../base/clock.ts'
import { trackUpdate, type Writer } from '../../models/apply/managed-fields.ts'
import { apiVersionOf, type Kind } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Core } from '../core.ts'
import { typeOf } from '../model-engine.ts'

/** Settles metadata.managedFields of the next state, before admission changes it: who writes owns what he wrote, not what the house adds. */
export type TrackOwners = (next: AnyObject, previous: AnyObject | undefined) => void

export function writerOf(core: Core, kind: Kind<any>, manager: string, subresource: string): Writer {
  const leavesStatus = subresource === '' && kind.subresources?.includes('status') === true
  return { manager, apiVersion: apiVersionOf(kind), subresource, time: timestamp(core.clock), leavesStatus }
}

/** A create, update or patch by `manager`: it owns what it changed, named as in the stored form. */
export function trackPlainWrite(core: Core, kind: Kind<any>, manager: string, subresource = ''): TrackOwners {
  const stored = kind.storedAs?.kind ?? kind
  return (next, previous) => trackUpdate(typeOf(stored), previous, next, writerOf(core, stored, manager, subresource))
}
