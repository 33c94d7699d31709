import { sameMeaning } from '../../../base/equality.ts'
import { type Selector, selectorFrom } from '../../../base/labels.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import { goSelector, goStringMap } from '../../go-text.ts'
import type { PodTemplateSpec } from '../../types/core-v1.ts'
import type { LabelSelector } from '../../types/meta-v1.ts'
import { immutableText } from '../checks.ts'
import { validatePodTemplate } from '../core/pod-spec-validation.ts'
import { checkSelector, isEmptySelector } from '../selector-checks.ts'

interface ControllerSpec {
  selector?: LabelSelector
  template?: PodTemplateSpec
}

/** The selector of a controller's own pods: there, and not of all pods. @param kind as messages call it: `deployment` */
export function checkOwnSelector(selector: LabelSelector | undefined, kind: string): FieldError[] {
  if (!selector) return [required('spec.selector')]
  return [...checkSelector('spec.selector', selector), ...checkNotEmpty(selector, kind)]
}

export function checkNotEmpty(selector: LabelSelector | undefined, kind: string): FieldError[] {
  if (!selector || !isEmptySelector(selector)) return []
  return [invalid('spec.selector', goSelector(selector), `empty selector is invalid for ${kind}`)]
}

/** The template of a Deployment or ReplicaSet: picked by its selector, and of pods that are always restarted. */
export function checkTemplate({ selector, template }: ControllerSpec): FieldError[] {
  const picks = parsed(selector)
  if (!picks) return [invalid('spec.selector', goSelector(selector!), 'invalid label selector')]
  return [
    ...checkPicked(picks, template),
    ...validatePodTemplate('spec.template', template),
    ...checkForever(template, 'ReplicaSet'),
  ]
}

/** Nothing for a selector that picks all pods, whose emptiness is told elsewhere. */
export function checkPicked(picks: Selector, template: PodTemplateSpec | undefined): FieldError[] {
  const labels = template?.metadata?.labels
  if (picks.matches(labels ?? {})) return []
  return [invalid('spec.template.metadata.labels', goStringMap(labels), '`selector` does not match template `labels`')]
}

/** Like `checkPicked`; a selector that cannot be understood is told elsewhere. */
export function checkPickedBy(selector: LabelSelector | undefined, template: PodTemplateSpec | undefined) {
  const picks = parsed(selector)
  return picks ? checkPicked(picks, template) : []
}

/** Pods that are always restarted. @param kind as the message about deadlines calls it */
export function checkForever(template: PodTemplateSpec | undefined, kind: string): FieldError[] {
  const errors: FieldError[] = []
  const { restartPolicy, activeDeadlineSeconds } = template?.spec ?? {}
  if (restartPolicy !== 'Always')
    errors.push(notSupported('spec.template.spec.restartPolicy', restartPolicy ?? '', ['Always']))
  if (activeDeadlineSeconds !== undefined) {
    const text = `activeDeadlineSeconds in ${kind} is not Supported`
    errors.push(forbidden('spec.template.spec.activeDeadlineSeconds', text))
  }
  return errors
}

/** Undefined for a selector that cannot be understood; one that is not there picks nothing. */
export function parsed(selector: LabelSelector | undefined): Selector | undefined {
  try {
    return selectorFrom(selector)
  } catch {
    return undefined
  }
}

/** Whose pods a controller owns may not change under it. */
export function checkSelectorKept(next: ControllerSpec, previous: ControllerSpec | undefined): FieldError[] {
  if (!previous || sameMeaning(next.selector, previous.selector)) return []
  return [invalid('spec.selector', next.selector ? goSelector(next.selector) : null, immutableText)]
}
