import { defineKind } from '../../kind.ts'
import type { AnyObject } from '../../object.ts'
import type { Event as CoreEvent } from '../../types/core-v1.ts'
import type * as events from '../../types/events-v1.ts'
import { Event } from '../core/event.ts'
import { validateStrictEvent } from '../core/event-validation.ts'
import { storedColumns } from '../stored-columns.ts'

export type EventsEvent = events.Event

/** events.k8s.io field → core field, for those that only changed their name. */
const renamed = {
  note: 'message',
  regarding: 'involvedObject',
  reportingController: 'reportingComponent',
  deprecatedSource: 'source',
  deprecatedFirstTimestamp: 'firstTimestamp',
  deprecatedLastTimestamp: 'lastTimestamp',
  deprecatedCount: 'count',
} as const

const toCore = new Map<string, string>(Object.entries(renamed))
const fromCore = new Map<string, string>(Object.entries(renamed).map(([ours, core]) => [core, ours]))

function rename(object: object, names: Map<string, string>): AnyObject {
  return Object.fromEntries(Object.entries(object).map(([k, v]) => [names.get(k) ?? k, v])) as AnyObject
}

const toStored = (event: events.Event): AnyObject => ({ ...rename(event, toCore), apiVersion: 'v1', kind: 'Event' })

/** The same stored events as core/v1, under the names of events.k8s.io. */
export const EventsEvent = defineKind<events.Event>({
  group: 'events.k8s.io',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  scope: 'Namespaced',
  schema: 'events/v1.Event',
  storedAs: {
    kind: Event,
    toStored,
    fromStored: stored =>
      ({ ...rename(stored, fromCore), apiVersion: 'events.k8s.io/v1', kind: 'Event' }) as unknown as events.Event,
    validate: (next, previous) => validateStrictEvent(Event, next as CoreEvent, previous as CoreEvent | undefined),
  },
  noGeneration: true,
  unconditionalUpdate: true,
  createOnUpdate: true,
  fields: {
    'regarding.kind': event => event.regarding?.kind ?? '',
    'regarding.namespace': event => event.regarding?.namespace ?? '',
    'regarding.name': event => event.regarding?.name ?? '',
    'regarding.uid': event => event.regarding?.uid ?? '',
    'regarding.apiVersion': event => event.regarding?.apiVersion ?? '',
    'regarding.resourceVersion': event => event.regarding?.resourceVersion ?? '',
    'regarding.fieldPath': event => event.regarding?.fieldPath ?? '',
    reason: event => event.reason ?? '',
    reportingController: event => event.reportingController ?? '',
    type: event => event.type ?? '',
  },
  columns: storedColumns(Event, toStored),
  ownAge: true,
  ownName: true,
})
