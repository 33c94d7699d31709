import type { LabelSelector } from '../types/meta-v1.ts'

/** `a=1,b=2`, keys sorted; '' when there are none. */
export function labelsText(labels: Record<string, string> | undefined): string {
  return Object.entries(labels ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join(',')
}

/** A LabelSelector as a query: `app=web,tier in (a,b),!old`, sorted by key; '' selects everything. */
export function selectorText(selector: LabelSelector | undefined): string {
  const parts: [key: string, text: string][] = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => [
    key,
    `${key}=${value}`,
  ])
  for (const { key, operator, values } of selector?.matchExpressions ?? []) {
    const set = `(${[...(values ?? [])].sort().join(',')})`
    if (operator === 'In') parts.push([key, `${key} in ${set}`])
    else if (operator === 'NotIn') parts.push([key, `${key} notin ${set}`])
    else if (operator === 'Exists') parts.push([key, key])
    else if (operator === 'DoesNotExist') parts.push([key, `!${key}`])
  }
  return parts
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, text]) => text)
    .join(',')
}
