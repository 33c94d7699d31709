import { GoText, goQuote } from './field-error.ts'
import type { LabelSelector, LabelSelectorRequirement } from './types/meta-v1.ts'

// Values as Go writes them: what Kubernetes' refusals show of them.

/** A number or percentage: `intstr.IntOrString{Type:1, IntVal:0, StrVal:"x"}`. */
export function goIntOrString(value: number | string): GoText {
  const [type, number, text] = typeof value === 'string' ? [1, 0, value] : [0, value, '']
  return new GoText(`intstr.IntOrString{Type:${type}, IntVal:${number}, StrVal:${goQuote(text)}}`)
}

/** Labels and the like, by key: `map[string]string{"app":"x"}`. */
export function goStringMap(map: Record<string, string> | undefined): GoText {
  if (!map) return new GoText('map[string]string(nil)')
  const entries = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))
  return new GoText(`map[string]string{${entries.map(([k, v]) => `${goQuote(k)}:${goQuote(v)}`).join(', ')}}`)
}

/** A list of texts or of one of Go's own types of text. */
export function goList(list: readonly string[] | undefined, type = 'string'): GoText {
  return new GoText(list ? `[]${type}{${list.map(goQuote).join(', ')}}` : `[]${type}(nil)`)
}

/** A moment as Go writes it. @param time RFC 3339, of UTC */
export const goTime = (time: string): GoText => new GoText(`${time.replace('T', ' ').replace('Z', '')} +0000 UTC`)

/** `v1.LabelSelector{MatchLabels:map[string]string{"app":"x"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}` */
export function goSelector({ matchLabels, matchExpressions }: LabelSelector): GoText {
  const type = 'v1.LabelSelectorRequirement'
  const requirement = ({ key, operator, values }: LabelSelectorRequirement) =>
    `${type}{Key:${goQuote(key)}, Operator:${goQuote(operator)}, Values:${goList(values).text}}`
  const expressions = matchExpressions ? `{${matchExpressions.map(requirement).join(', ')}}` : '(nil)'
  const labels = goStringMap(matchLabels).text
  return new GoText(`v1.LabelSelector{MatchLabels:${labels}, MatchExpressions:[]${type}${expressions}}`)
}

/** A selector as it names itself where it is shown to people: `&LabelSelector{MatchLabels:map[string]string{app: x,},…}`. */
export function goSelectorString({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const keys = Object.keys(matchLabels).sort()
  const labels = keys.map(key => `${key}: ${matchLabels[key]},`).join('')
  const requirement = ({ key, operator, values = [] }: LabelSelectorRequirement) =>
    `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`
  const expressions = `[]LabelSelectorRequirement{${matchExpressions.map(requirement).join('')}}`
  return `&LabelSelector{MatchLabels:map[string]string{${labels}},MatchExpressions:${expressions},}`
}
