import type { Column } from '../../kind.ts'
import type { Event } from '../../types/core-v1.ts'
import { nameColumn, sinceText, text } from '../columns.ts'

const firstSeen = (event: Event) => event.firstTimestamp ?? event.eventTime
const lastSeen = (event: Event) => event.series?.lastObservedTime ?? event.lastTimestamp ?? firstSeen(event)

function source(event: Event): string {
  const component = event.source?.component || event.reportingComponent || ''
  const instance = event.source?.host || event.reportingInstance
  return instance ? `${component}, ${instance}` : component
}

function target({ involvedObject: { kind = '', name } }: Event): string {
  return name ? `${kind.toLowerCase()}/${name}` : kind.toLowerCase()
}

export const eventColumns: Column<Event>[] = [
  text('Last Seen', (event, nowMs) => sinceText(lastSeen(event), nowMs)),
  text('Type', event => event.type ?? ''),
  text('Reason', event => event.reason ?? ''),
  text('Object', target),
  text('Subobject', event => event.involvedObject.fieldPath ?? '', 'wide'),
  text('Source', source, 'wide'),
  text('Message', event => (event.message ?? '').trim()),
  text('First Seen', (event, nowMs) => sinceText(firstSeen(event), nowMs), 'wide'),
  text('Count', event => event.series?.count ?? (event.count || 1), 'wide'),
  nameColumn(event => event.metadata.name, 'wide'),
]
