/**
 * Replaces `$(NAME)` by its value; `$$` is a plain `$`; a name that is not known stays as it is written.
 * @see https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  if (!text.includes('$')) return text
  let out = ''
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== '$' || i + 1 === text.length) {
      out += text[i]
      continue
    }
    const next = text[i + 1]
    if (next === '$') {
      out += '$'
      i++
    } else if (next === '(') {
      const end = text.indexOf(')', i + 2)
      if (end < 0) {
        out += '$('
        i++
        continue
      }
      const name = text.slice(i + 2, end)
      out += lookUp(name) ?? `$(${name})`
      i = end
    } else out += '$'
  }
  return out
}
