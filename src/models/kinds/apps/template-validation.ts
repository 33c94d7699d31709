import { selectorFrom } from '../../../base/labels.ts'
import { type FieldError, forbidden, invalid, notSupported, required } from '../../field-error.ts'
import type { PodTemplateSpec } from '../../types/core-v1.ts'
import type { LabelSelector } from '../../types/meta-v1.ts'
import { checkImmutable, checkNonNegative } from '../checks.ts'
import { validatePodTemplate } from '../core/pod-spec-validation.ts'
import { checkSelector, isEmptySelector } from '../selector-checks.ts'

interface ControllerSpec {
  selector?: LabelSelector
  template?: PodTemplateSpec
  replicas?: number
  minReadySeconds?: number
  revisionHistoryLimit?: number
}

/**
 * What all the controllers of long-running pods ask: a selector that is not empty and picks the template's pods, and pods that
 * are always restarted.
 * @param kind as upstream's messages call it: `deployment`, `daemonset`
 */
export function checkController(spec: ControllerSpec, kind: string, Kind: string): FieldError[] {
  return [
    ...checkNonNegative('spec.replicas', spec.replicas),
    ...checkNonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...checkNonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...checkOwnSelector(spec.selector, kind),
    ...checkTemplate(spec, Kind),
  ]
}

function checkOwnSelector(selector: LabelSelector | undefined, kind: string): FieldError[] {
  if (!selector) return [required('spec.selector')]
  const errors = checkSelector('spec.selector', selector)
  if (isEmptySelector(selector))
    errors.push(invalid('spec.selector', selector, `empty selector is invalid for ${kind}`))
  return errors
}

function checkTemplate({ selector, template }: ControllerSpec, Kind: string): FieldError[] {
  const errors: FieldError[] = []
  const labels = template?.metadata?.labels ?? {}
  if (selector && !isEmptySelector(selector) && !picks(selector, labels))
    errors.push(invalid('spec.template.metadata.labels', labels, '`selector` does not match template `labels`'))
  errors.push(...validatePodTemplate('spec.template', template))
  const spec = template?.spec
  if (spec?.restartPolicy && spec.restartPolicy !== 'Always')
    errors.push(notSupported('spec.template.spec.restartPolicy', spec.restartPolicy, ['Always']))
  if (spec?.activeDeadlineSeconds !== undefined)
    errors.push(
      forbidden('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${Kind} is not Supported`),
    )
  return errors
}

/** A selector that cannot be understood is told elsewhere. */
function picks(selector: LabelSelector, labels: Record<string, string>): boolean {
  try {
    return selectorFrom(selector).matches(labels)
  } catch {
    return true
  }
}

/** Whose pods a controller owns may not change under it. */
export function checkSelectorKept(next: ControllerSpec, previous: ControllerSpec | undefined): FieldError[] {
  return previous ? checkImmutable('spec.selector', next.selector, previous.selector) : []
}
