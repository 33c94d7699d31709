import type { ApiRequest } from '../../models/rest.ts'

/** Larger answers are read by programs; to indent them would hold up everybody else. */
const maxPrettyBytes = 1024 * 1024

/** Whether somebody reads this with his eyes: who says `?pretty=true`, browsers, curl and wget, as in Kubernetes. */
export function wantsPretty({ url, headers }: ApiRequest): boolean {
  const said = url.includes('pretty') ? new URLSearchParams(url.slice(url.indexOf('?') + 1)).get('pretty') : null
  if (said) return /^(1|t|true)$/i.test(said)
  return /^(curl|Wget|Mozilla\/5\.0)/.test(headers['user-agent'] ?? '')
}

/** The same JSON, indented by two spaces. Works on the text: numbers stay as they are, however long. */
export function prettyJson(json: Uint8Array): Uint8Array {
  if (json.length > maxPrettyBytes) return json
  const text = Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString()
  let out = ''
  let depth = 0
  const line = () => `\n${'  '.repeat(depth)}`
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[{]\s*[\]}]|[[\]{},:]|[^\s"[\]{},:]+/g)) {
    if (token === '{' || token === '[') {
      depth++
      out += token + line()
    } else if (token === '}' || token === ']') {
      depth--
      out += line() + token
    } else if (token === ',') out += token + line()
    else out += token === ':' ? ': ' : token
  }
  return Buffer.from(`${out}\n`)
}
