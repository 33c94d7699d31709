import { sameMeaning } from '../../../base/equality.ts'
import { byteLength, isDns1123Subdomain, isQualifiedName } from '../../../base/names.ts'
import { type FieldError, GoText, goQuote, invalid, required } from '../../field-error.ts'
import { goTime } from '../../go-text.ts'
import type { Kind } from '../../kind.ts'
import type { Event, EventSource, ObjectReference } from '../../types/core-v1.ts'
import { immutableText, texts } from '../checks.ts'
import { validateMeta } from '../meta.ts'

const mismatch = 'does not match event.namespace'
const unset = 'needs to be unset'

/**
 * Events are kept where their object is, or in one of the namespaces of things without one. Those with an eventTime are of
 * the newer form, which asks for more, and leaves open where they are kept.
 * @param reporter what its writer calls `reportingComponent`
 */
export function validateEvent(event: Event, _previous?: Event, reporter = 'reportingComponent'): FieldError[] {
  const namespace = event.metadata.namespace ?? ''
  const about = event.involvedObject?.namespace ?? ''
  const errors: FieldError[] = []
  const newer = Boolean(event.eventTime)
  const agrees = about ? newer || about === namespace : ['default', newer ? 'kube-system' : ''].includes(namespace)
  if (!agrees) errors.push(invalid('involvedObject.namespace', about, mismatch))
  if (!newer) return errors
  const { reportingComponent: component = '', reportingInstance: instance, action, reason, message = '' } = event
  if (!component) errors.push(required(reporter))
  errors.push(...texts(reporter, component, isQualifiedName(component)))
  errors.push(...checkText('reportingInstance', instance, 128), ...checkText('action', action, 128))
  errors.push(...checkText('reason', reason, 128))
  if (byteLength(message) > 1024) errors.push(invalid('message', '', 'can have at most 1024 characters'))
  return errors
}

function checkText(field: string, text: string | undefined, max: number): FieldError[] {
  if (!text) return [required(field)]
  return byteLength(text) > max ? [invalid(field, '', `can have at most ${max} characters`)] : []
}

/** All that is wrong with an event whose writer knows it as one of events.k8s.io/v1: only the newer form will do, and only its series changes. */
export function validateStrictEvent(kind: Kind<any>, next: Event, previous?: Event): FieldError[] {
  const errors = validateEvent(next, previous, 'reportingController')
  if (previous) {
    // The metadata are looked at first, whatever the kind.
    errors.unshift(...validateMeta(kind, next, previous))
    if (!sameMeaning(next.series, previous.series)) errors.push(...checkSeries(next))
    return [...errors, ...changes(next, previous)]
  }
  errors.push(...validateMeta({ ...kind, validName: isDns1123Subdomain }, next), ...checkSeries(next))
  const { type = '', source } = next
  if (!next.eventTime) errors.push(required('eventTime'))
  if (type !== 'Normal' && type !== 'Warning') errors.push(invalid('type', '', `has invalid value: ${type}`))
  if (next.firstTimestamp) errors.push(invalid('firstTimestamp', '', unset))
  if (next.lastTimestamp) errors.push(invalid('lastTimestamp', '', unset))
  if (next.count) errors.push(invalid('count', '', unset))
  if (source?.component || source?.host) errors.push(invalid('source', '', unset))
  return errors
}

function checkSeries({ series }: Event): FieldError[] {
  if (!series) return []
  const errors: FieldError[] = []
  if ((series.count ?? 0) < 2) errors.push(invalid('series.count', '', 'should be at least 2'))
  if (!series.lastObservedTime) errors.push(required('series.lastObservedTime'))
  return errors
}

/** Told in this order; what is not there is shown as Go shows it. */
const fixed: [field: string, show: (event: Event) => unknown][] = [
  ['involvedObject', event => reference(event.involvedObject ?? {})],
  ['reason', event => event.reason ?? ''],
  ['message', event => event.message ?? ''],
  ['source', event => sourceText(event.source ?? {})],
  ['firstTimestamp', event => moment(event.firstTimestamp)],
  ['lastTimestamp', event => moment(event.lastTimestamp)],
  ['count', event => event.count ?? 0],
  ['reason', event => event.reason ?? ''],
  ['type', event => event.type ?? ''],
  ['eventTime', event => moment(event.eventTime)],
  ['action', event => event.action ?? ''],
  ['related', event => (event.related ? reference(event.related) : 'null')],
  ['reportingController', event => event.reportingComponent ?? ''],
  ['reportingInstance', event => event.reportingInstance ?? ''],
]

function changes(next: Event, previous: Event): FieldError[] {
  return fixed.flatMap(([field, show]) => {
    const shown = show(next)
    return sameMeaning(shown, show(previous)) ? [] : [invalid(field, shown, immutableText)]
  })
}

const moment = (time: string | null | undefined) =>
  goTime((time || '0001-01-01T00:00:00Z').replace(/(\.\d*?)0+Z$/, '$1Z').replace('.Z', 'Z'))

function reference(object: Partial<ObjectReference>): GoText {
  const {
    kind = '',
    namespace = '',
    name = '',
    uid = '',
    apiVersion = '',
    resourceVersion = '',
    fieldPath = '',
  } = object
  const parts = {
    ...{ Kind: kind, Namespace: namespace, Name: name, UID: uid, APIVersion: apiVersion },
    ...{ ResourceVersion: resourceVersion, FieldPath: fieldPath },
  }
  return struct('core.ObjectReference', parts)
}

const sourceText = ({ component = '', host = '' }: EventSource) =>
  struct('core.EventSource', { Component: component, Host: host })

function struct(name: string, parts: Record<string, string>): GoText {
  const shown = Object.entries(parts).map(([field, text]) => `${field}:${goQuote(text)}`)
  return new GoText(`${name}{${shown.join(', ')}}`)
}
