import { InvalidSelector, type Labels, nothing, type Selector, selectorFrom } from '../base/labels.ts'
import type { LabelSelector } from '../models/types/meta-v1.ts'

/** A selector without any requirement: it would select everything, which no controller should. */
export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return !Object.keys(selector?.matchLabels ?? {}).length && !selector?.matchExpressions?.length
}

/** The parsed selector; a stored one that makes no sense selects nothing, so that one bad object stays its own problem. */
export function lenientSelector(selector: LabelSelector | undefined): Selector {
  try {
    return selectorFrom(selector)
  } catch (error) {
    if (error instanceof InvalidSelector) return nothing
    throw error
  }
}

/** What a workload selects; the empty selector of a broken one selects nothing. */
export function ownSelector(object: { spec: { selector?: LabelSelector } }): Selector {
  return isEmptySelector(object.spec.selector) ? nothing : lenientSelector(object.spec.selector)
}

export function selectorMatches(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  return lenientSelector(selector).matches(labels)
}

/** A selector as Kubernetes writes it into messages. */
export function writtenSelector(selector: LabelSelector | undefined): string {
  if (!selector) return 'nil'
  const pairs = Object.entries(selector.matchLabels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const labels = pairs.map(([key, value]) => `${key}: ${value},`).join('')
  const rules = (selector.matchExpressions ?? []).map(
    ({ key, operator, values = [] }) => `{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  )
  const expressions = `[]LabelSelectorRequirement{${rules.join('')}}`
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:${expressions},}`
}
