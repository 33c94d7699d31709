/**
 * Kubernetes' rules for names, label keys and label values. Each check answers with everything wrong, in Kubernetes' own
 * words (clients and people match on them), and [] when all is well.
 */

/** `must be no more than 63 characters` */
export const tooLongText = (max: number) => `must be no more than ${max} characters`
export const emptyText = 'must be non-empty'
export const rangeText = (low: number, high: number) => `must be between ${low} and ${high}, inclusive`

/** How a failed pattern is told: the rule, examples, and the pattern itself. */
export function patternText(rule: string, pattern: string, ...examples: string[]): string {
  if (examples.length === 0) return `${rule} (regex used for validation is '${pattern}')`
  const shown = examples.map(example => `'${example}', `).join(' or ')
  return `${rule} (e.g. ${shown}regex used for validation is '${pattern}')`
}

interface Rule {
  pattern: string
  regex: RegExp
  maxLength: number
  text: string
}

function rule(pattern: string, maxLength: number, words: string, ...examples: string[]): Rule {
  return { pattern, regex: new RegExp(`^(?:${pattern})$`), maxLength, text: patternText(words, pattern, ...examples) }
}

/** Characters; the rules take time in proportion to a text's length. */
const mostMatched = 65_536

/** Length is in bytes of UTF-8, as Go counts it. A text far too long is not matched at all. */
function check(value: string, { regex, maxLength, text }: Rule): string[] {
  const errors: string[] = []
  if (byteLength(value) > maxLength) errors.push(tooLongText(maxLength))
  if (value.length > mostMatched || !regex.test(value)) errors.push(text)
  return errors
}

/** In UTF-8. */
export function byteLength(value: string): number {
  let bytes = value.length
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1
  }
  return bytes
}

const lower = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const qualified = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'

const dns1123LabelRule = rule(
  lower,
  63,
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  'my-name',
  '123-abc',
)
const dns1123SubdomainRule = rule(
  `${lower}(\\.${lower})*`,
  253,
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  'example.com',
)
const dns1035LabelRule = rule(
  '[a-z]([-a-z0-9]*[a-z0-9])?',
  63,
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  'my-name',
  'abc-123',
)
const wildcardRule = rule(
  `\\*\\.${lower}(\\.${lower})*`,
  253,
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
  '*.example.com',
)
const qualifiedNameRule = rule(
  qualified,
  63,
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  'MyName',
  'my.name',
  '123-abc',
)
const labelValueRule = rule(
  `(${qualified})?`,
  63,
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  'MyValue',
  'my_value',
  '12345',
)
const envVarNameRule = rule(
  '[-._a-zA-Z][-._a-zA-Z0-9]*',
  Number.POSITIVE_INFINITY,
  "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
  'my.env-name',
  'MY_ENV.NAME',
  'MyEnvName1',
)
const relaxedEnvVarName = /^[\x20-\x3c\x3e-\x7e]*$/
const configMapKeyRule = rule(
  '[-._a-zA-Z0-9]+',
  253,
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
  'key.name',
  'KEY_NAME',
  'key-name',
)
const cIdentifierRule = rule(
  '[A-Za-z_][A-Za-z0-9_]*',
  Number.POSITIVE_INFINITY,
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
  'my_name',
  'MY_NAME',
  'MyName',
)
const percentRule = rule(
  '[0-9]+%',
  Number.POSITIVE_INFINITY,
  "a valid percent string must be a numeric string followed by an ending '%'",
  '1%',
  '93%',
)
const httpHeaderNameRule = rule(
  '[-A-Za-z0-9]+',
  Number.POSITIVE_INFINITY,
  "a valid HTTP header must consist of alphanumeric characters or '-'",
  'X-Header-Name',
)

/** Names of most things inside objects: containers, volumes, namespaces. */
export function isDns1123Label(value: string): string[] {
  const errors = check(value, dns1123LabelRule)
  if (errors.at(-1) === dns1123LabelRule.text && value.length <= 253 && dns1123SubdomainRule.regex.test(value))
    errors[errors.length - 1] = 'must not contain dots'
  return errors
}

/** Names of most objects. */
export const isDns1123Subdomain = (value: string) => check(value, dns1123SubdomainRule)
/** Names of Services. */
export const isDns1035Label = (value: string) => check(value, dns1035LabelRule)
/** Hosts such as `*.example.com`. */
export const isWildcardDns1123Subdomain = (value: string) => check(value, wildcardRule)
export const isLabelValue = (value: string) => check(value, labelValueRule)
/** Environment variable names, strict form. */
export const isEnvVarName = (value: string) => [...check(value, envVarNameRule), ...changesDirectory(value)]
/** Environment variable names as pods may have them since 1.32: any printable ASCII but `=`. */
export function isRelaxedEnvVarName(value: string): string[] {
  if (value === '') return [`environment variable name ${emptyText}`]
  return relaxedEnvVarName.test(value)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}
/** Keys of ConfigMaps and Secrets. */
export const isConfigMapKey = (value: string) => [...check(value, configMapKeyRule), ...changesDirectory(value)]
export const isCIdentifier = (value: string) => check(value, cIdentifierRule)
export const isPercent = (value: string) => check(value, percentRule)
export const isHttpHeaderName = (value: string) => check(value, httpHeaderNameRule)

/** Label and annotation keys, resource names, finalizers: `name` or `example.com/name`. */
export function isQualifiedName(value: string): string[] {
  // The same few keys come with every object.
  if (knownGood.has(value)) return []
  const errors = checkQualifiedName(value)
  if (errors.length === 0) {
    if (knownGood.size >= mostKnown) knownGood.clear()
    knownGood.add(value)
  }
  return errors
}

const knownGood = new Set<string>()
const mostKnown = 4096

function checkQualifiedName(value: string): string[] {
  const parts = value.split('/')
  if (parts.length > 2)
    return [
      `a qualified name ${qualifiedNameRule.text} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  const errors: string[] = []
  const name = parts.at(-1)!
  if (parts.length === 2) {
    if (parts[0] === '') errors.push(`prefix part ${emptyText}`)
    else errors.push(...isDns1123Subdomain(parts[0]!).map(error => `prefix part ${error}`))
  }
  if (name === '') errors.push(`name part ${emptyText}`)
  errors.push(...check(name, qualifiedNameRule).map(error => `name part ${error}`))
  return errors
}

/** Names of ports, such as `http-alt`. */
export function isPortName(value: string): string[] {
  const errors: string[] = []
  if (byteLength(value) > 15) errors.push(tooLongText(15))
  if (!/^[-a-z0-9]+$/.test(value)) errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(value)) errors.push('must contain at least one letter (a-z)')
  if (value.includes('--')) errors.push('must not contain consecutive hyphens')
  if (value.startsWith('-') || value.endsWith('-')) errors.push('must not begin or end with a hyphen')
  return errors
}

export const isPortNumber = (value: number) =>
  Number.isInteger(value) && value >= 1 && value <= 65_535 ? [] : [rangeText(1, 65_535)]

/** Names that are one segment of a path, such as those of RBAC roles. */
export function isPathSegmentName(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`]
  return ['/', '%'].filter(bad => value.includes(bad)).map(bad => `may not contain '${bad}'`)
}

function changesDirectory(value: string): string[] {
  if (value === '.') return ["must not be '.'"]
  if (value === '..') return ["must not be '..'"]
  return value.startsWith('..') ? ["must not start with '..'"] : []
}
