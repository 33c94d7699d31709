import { isQualifiedName } from '../../../base/names.ts'
import { type FieldError, invalid, required } from '../../field-error.ts'
import type { Event } from '../../types/core-v1.ts'
import { texts } from '../checks.ts'

const mismatch = 'does not match event.namespace'

/**
 * Events are kept where their object is, or in one of the namespaces of things without one. Those with an eventTime are of
 * the newer form, which asks for more, and leaves open where they are kept.
 */
export function validateEvent(event: Event): FieldError[] {
  const namespace = event.metadata.namespace ?? ''
  const about = event.involvedObject.namespace ?? ''
  const errors: FieldError[] = []
  const newer = Boolean(event.eventTime)
  const agrees = about ? newer || about === namespace : ['default', newer ? 'kube-system' : ''].includes(namespace)
  if (!agrees) errors.push(invalid('involvedObject.namespace', about, mismatch))
  if (!newer) return errors
  const { reportingComponent: component, reportingInstance: instance, action, reason, message = '' } = event
  if (!component) errors.push(required('reportingComponent'))
  else errors.push(...texts('reportingComponent', component, isQualifiedName(component)))
  errors.push(...checkText('reportingInstance', instance, 128), ...checkText('action', action, 128))
  errors.push(...checkText('reason', reason, 128))
  if (message.length > 1024) errors.push(invalid('message', '', 'can have at most 1024 characters'))
  return errors
}

function checkText(field: string, text: string | undefined, max: number): FieldError[] {
  if (!text) return [required(field)]
  return text.length > max ? [invalid(field, '', `can have at most ${max} characters`)] : []
}
