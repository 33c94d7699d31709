import { InvalidSelector } from './labels.ts'

/** One condition on a field of an object: `status.phase=Running`. */
export interface FieldRequirement {
  field: string
  operator: '=' | '!='
  value: string
}

/**
 * A `?fieldSelector=` text: `a=b`, `a==b`, `a!=b`, joined by commas; `\,`, `\=` and `\\` stand for themselves in a value.
 * Which fields exist is the kind's to say.
 * @throws InvalidSelector
 */
export function parseFieldSelector(text: string): FieldRequirement[] {
  return splitTerms(text).map(term => {
    const found = /^([^=!]*(?:!(?!=)[^=!]*)*)(!=|==|=)(.*)$/s.exec(term)
    if (!found) throw new InvalidSelector(`invalid selector: '${text}'; can't understand '${term}'`)
    return { field: found[1]!, operator: found[2] === '!=' ? '!=' : '=', value: unescapeValue(found[3]!) }
  })
}

export function fieldSelectorText(requirements: readonly FieldRequirement[]): string {
  return requirements.map(r => `${r.field}${r.operator}${r.value.replace(/[\\,=]/g, '\\$&')}`).join(',')
}

function splitTerms(text: string): string[] {
  const terms: string[] = []
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++
    else if (text[i] === ',') {
      terms.push(text.slice(start, i))
      start = i + 1
    }
  }
  terms.push(text.slice(start))
  return terms.filter(term => term !== '').sort()
}

function unescapeValue(value: string): string {
  let out = ''
  for (let i = 0; i < value.length; i++) {
    const c = value[i]!
    if (c === '\\') {
      const next = value[++i] ?? ''
      if (next === '' || !'\\,='.includes(next))
        throw new InvalidSelector(`invalid field selector: invalid escape sequence: \\${next}`)
      out += next
    } else if (c === ',' || c === '=')
      throw new InvalidSelector(`invalid field selector: unescaped character in value: ${c.charCodeAt(0)}`)
    else out += c
  }
  return out
}
