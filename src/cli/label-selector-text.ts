import type { LabelSelector } from '../models/types/meta-v1.ts'

/** A selector in the words of a query: a LabelSelector, or the plain map of a Service or ReplicationController. */
export function labelSelectorText(selector: LabelSelector | Record<string, string> | undefined): string {
  if (!selector) return ''
  const structured = selector as LabelSelector
  const isStructured = structured.matchLabels !== undefined || Array.isArray(structured.matchExpressions)
  const labels = isStructured ? structured.matchLabels : (selector as Record<string, string>)
  const parts = Object.entries(labels ?? {}).map(([k, v]) => `${k}=${v}`)
  for (const e of isStructured ? (structured.matchExpressions ?? []) : []) {
    if (e.operator === 'Exists') parts.push(e.key)
    else if (e.operator === 'DoesNotExist') parts.push(`!${e.key}`)
    else parts.push(`${e.key} ${e.operator === 'In' ? 'in' : 'notin'} (${(e.values ?? []).join(',')})`)
  }
  return parts.join(',')
}
