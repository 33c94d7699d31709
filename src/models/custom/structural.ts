import { patternProblem } from '../../base/pattern.ts'
import { type FieldError, forbidden, invalid, required } from '../field-error.ts'
import { equal } from '../patch/index.ts'
import type { JSONSchemaProps } from '../types/apiextensions-v1.ts'

// A schema is structural when every part of an object has exactly one schema that says of what type it is. Only then can
// unknown fields be told from known ones.

type Level = 'root' | 'item' | 'field'

const emptyType: Record<Level, string> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}

/** What keeps a schema from being structural, in order of the texts. */
export function checkStructural(schema: JSONSchemaProps, at: string): FieldError[] {
  const errors = [...invariants(schema, 'root', at), ...completeness(schema, schema, at, at)]
  const text = (e: FieldError) => `${e.field}: ${e.message}`
  return errors.sort((a, b) => (text(a) < text(b) ? -1 : 1))
}

/** What a schema says that no structural schema can: it is not looked at any further. The first of it; undefined if nothing. */
export function unsupportedProblem(schema: JSONSchemaProps): string | undefined {
  const said = (value: unknown) => typeof value === 'object' && value !== null && Object.keys(value).length > 0
  const { id, $schema, $ref, patternProperties, dependencies, additionalItems, definitions } = schema
  const words: [boolean, string][] = [
    [Boolean(id), 'id'],
    [Boolean($schema), 'schema'],
    [Boolean($ref), '$ref'],
    [said(patternProperties), 'patternProperties'],
    [said(dependencies), 'dependencies'],
    [additionalItems !== undefined, 'additionalItems'],
    [said(definitions), 'definitions'],
  ]
  const word = words.find(([there]) => there)
  if (word) return `OpenAPIV3Schema '${word[1]}' is not supported`
  const { not, allOf = [], anyOf = [], oneOf = [], items, properties = {}, additionalProperties: more } = schema
  const preserve = schema['x-kubernetes-preserve-unknown-fields'] === false
  for (const sub of [...(not ? [not] : []), ...allOf, ...anyOf, ...oneOf]) {
    const problem = unsupportedProblem(sub)
    if (problem !== undefined) return problem
  }
  if (preserve) return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined"
  if (Array.isArray(items) && items.length) return "OpenAPIV3Schema 'items' must be a schema, but is an array"
  for (const sub of [single(items), ...Object.values(properties), typeof more === 'object' ? more : undefined]) {
    const problem = sub && unsupportedProblem(sub)
    if (problem !== undefined) return problem
  }
  return undefined
}

const single = (items: JSONSchemaProps['items']): JSONSchemaProps | undefined =>
  items && !Array.isArray(items) ? items : undefined

function invariants(s: JSONSchemaProps, level: Level, at: string): FieldError[] {
  const errors: FieldError[] = []
  const items = single(s.items)
  if (s.type === 'array' && !s.items) errors.push(required(`${at}.items`, 'must be specified'))
  if (items) errors.push(...invariants(items, 'item', `${at}.items`))
  for (const [name, property] of Object.entries(s.properties ?? {}))
    errors.push(...invariants(property, 'field', `${at}.properties[${name}]`))
  if (s.additionalProperties !== undefined) {
    if (level === 'root') errors.push(forbidden(`${at}.additionalProperties`, 'must not be used at the root'))
    if (typeof s.additionalProperties === 'object')
      errors.push(...invariants(s.additionalProperties, 'field', `${at}.additionalProperties`))
  }
  const first = s.allOf?.[0]
  errors.push(
    ...extensions(s, at),
    ...valueRules(s, isIntOrString(s), isIntOrString(first), at),
    ...typeRules(s, level, at),
    ...metadataRules(s, level, at),
  )
  return errors
}

/** `anyOf: [{type: integer}, {type: string}]`: the one place where a junctor may say types. */
function isIntOrString(s: JSONSchemaProps | undefined): boolean {
  return s?.anyOf?.length === 2 && equal(s.anyOf, [{ type: 'integer' }, { type: 'string' }])
}

function extensions(s: JSONSchemaProps, at: string): FieldError[] {
  if (!s['x-kubernetes-int-or-string']) return []
  return (['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const)
    .filter(name => s[name])
    .map(name => invalid(`${at}.${name}`, true, 'must be false if x-kubernetes-int-or-string is true'))
}

function typeRules(s: JSONSchemaProps, level: Level, at: string): FieldError[] {
  const errors: FieldError[] = []
  const embedded = s['x-kubernetes-embedded-resource']
  const ofEmbedded = 'must be object if x-kubernetes-embedded-resource is true'
  if (embedded && s.type !== 'object')
    errors.push(s.type ? invalid(`${at}.type`, s.type, ofEmbedded) : required(`${at}.type`, ofEmbedded))
  else if (!s.type && !s['x-kubernetes-int-or-string'] && !s['x-kubernetes-preserve-unknown-fields'])
    errors.push(required(`${at}.type`, emptyType[level]))
  if (embedded && s.additionalProperties !== undefined)
    errors.push(forbidden(`${at}.additionalProperties`, 'must not be used if x-kubernetes-embedded-resource is set'))
  if (level === 'root' && s.type && s.type !== 'object')
    errors.push(invalid(`${at}.type`, s.type, 'must be object at the root'))
  if (embedded && !s['x-kubernetes-preserve-unknown-fields'] && !Object.keys(s.properties ?? {}).length)
    errors.push(
      required(
        `${at}.properties`,
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    )
  return errors
}

/** kind, apiVersion and metadata are what they are; a schema may only say what names look like. */
function metadataRules(s: JSONSchemaProps, level: Level, at: string): FieldError[] {
  const errors: FieldError[] = []
  const whole = level === 'root' || s['x-kubernetes-embedded-resource']
  const { kind, apiVersion, metadata } = (s.properties ?? {}) as Record<string, JSONSchemaProps | undefined>
  if (whole && kind && kind.type !== 'string')
    errors.push(invalid(`${at}.properties[kind].type`, kind.type ?? '', 'must be string'))
  if (whole && apiVersion && apiVersion.type !== 'string')
    errors.push(invalid(`${at}.properties[apiVersion].type`, apiVersion.type ?? '', 'must be string'))
  if (!metadata) return errors
  const where = `${at}.properties[metadata]`
  if (whole && metadata.type !== 'object') errors.push(invalid(`${where}.type`, metadata.type ?? '', 'must be object'))
  if (level === 'root' && saysMore(metadata))
    errors.push(
      forbidden(
        where,
        'must not specify anything other than name and generateName, but metadata is implicitly specified',
      ),
    )
  return errors
}

function saysMore({ type: _, default: __, properties = {}, ...rest }: JSONSchemaProps): boolean {
  return (
    Object.keys(rest).length > 0 || Object.keys(properties).some(name => name !== 'name' && name !== 'generateName')
  )
}

function valueRules(s: JSONSchemaProps, skipAnyOf: boolean, skipFirstAllOf: boolean, at: string): FieldError[] {
  const errors: FieldError[] = []
  if (!skipAnyOf) s.anyOf?.forEach((v, i) => void errors.push(...nested(v, false, `${at}.anyOf[${i}]`)))
  s.allOf?.forEach((v, i) => void errors.push(...nested(v, skipFirstAllOf && i === 0, `${at}.allOf[${i}]`)))
  s.oneOf?.forEach((v, i) => void errors.push(...nested(v, false, `${at}.oneOf[${i}]`)))
  if (s.not) errors.push(...nested(s.not, false, `${at}.not`))
  if (s.pattern) {
    const problem = patternProblem(s.pattern)
    if (problem)
      errors.push(invalid(`${at}.pattern`, s.pattern, `must be a valid regular expression, but isn't: ${problem}`))
  }
  return errors
}

/** What a schema inside a junctor may not say, since it would be a second opinion about the structure. */
const forbiddenNested: [field: keyof JSONSchemaProps, text: string][] = [
  ['type', 'must be empty to be structural'],
  ['additionalProperties', 'must be undefined to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
]

function nested(v: JSONSchemaProps, skipAnyOf: boolean, at: string): FieldError[] {
  const errors = valueRules(v, skipAnyOf, false, at)
  const items = single(v.items)
  if (items) errors.push(...nested(items, false, `${at}.items`))
  for (const [name, property] of Object.entries(v.properties ?? {}))
    errors.push(...nested(property, false, `${at}.properties[${name}]`))
  for (const [field, text] of forbiddenNested) {
    const said = v[field]
    const empty = said === undefined || said === '' || said === false || (Array.isArray(said) && !said.length)
    if (!empty || (field === 'additionalProperties' && said === false)) errors.push(forbidden(`${at}.${field}`, text))
  }
  if (v.properties?.['metadata'])
    errors.push(forbidden(`${at}.properties[metadata]`, 'must not be specified in a nested context'))
  return errors
}

/** Every field that a junctor of the whole object speaks of must be described outside of it. Junctors further in are not held to it. */
function completeness(v: JSONSchemaProps, s: JSONSchemaProps | undefined, sAt: string, vAt: string): FieldError[] {
  const junctors: [JSONSchemaProps, string][] = [
    ...(v.not ? [[v.not, `${vAt}.not`] as [JSONSchemaProps, string]] : []),
    ...(['allOf', 'anyOf', 'oneOf'] as const).flatMap(name =>
      (v[name] ?? []).map((sub, i): [JSONSchemaProps, string] => [sub, `${vAt}.${name}[${i}]`]),
    ),
  ]
  return junctors.flatMap(([sub, at]) => nestedCompleteness(sub, s, sAt, at))
}

function nestedCompleteness(
  v: JSONSchemaProps,
  s: JSONSchemaProps | undefined,
  sAt: string,
  vAt: string,
): FieldError[] {
  if (!s) return [required(sAt, `because it is defined in ${vAt}`)]
  const items = single(v.items)
  return [
    ...completeness(v, s, sAt, vAt),
    ...(items ? nestedCompleteness(items, single(s.items), `${sAt}.items`, `${vAt}.items`) : []),
    ...Object.entries(v.properties ?? {}).flatMap(([name, property]) =>
      nestedCompleteness(property, s.properties?.[name], `${sAt}.properties[${name}]`, `${vAt}.properties[${name}]`),
    ),
  ]
}
