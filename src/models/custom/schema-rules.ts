import { type FieldError, forbidden, invalid, notSupported, required } from '../field-error.ts'
import type { JSONSchemaProps } from '../types/apiextensions-v1.ts'
import { schemaAt } from './schema-path.ts'

// Rules of one schema that are not about its structure: what may be said, and what goes together.

/** Where in an object a schema is. */
interface Place {
  root: boolean
  /** Within apiVersion, kind or metadata, of the object or of one embedded in it. */
  insideMeta: boolean
  /** Why no default may be stated here; undefined: one may. */
  noDefaults: string | undefined
}

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const metaFields = new Set(['metadata', 'kind', 'apiVersion'])

export function checkSchemaRules(
  schema: JSONSchemaProps,
  at: string,
  place: Place = { root: true, insideMeta: false, noDefaults: undefined },
): FieldError[] {
  return [
    ...plainRules(schema, at, place),
    ...additionalRules(schema, at, place),
    ...listRules(schema, at),
    ...mapRules(schema, at),
    ...ruleTexts(schema, at),
    ...children(schema, at, place),
  ]
}

const below = (place: Place, more: Partial<Place> = {}): Place => ({ ...place, root: false, ...more })

function children(s: JSONSchemaProps, at: string, place: Place): FieldError[] {
  const inside = below(place)
  const properties = Object.entries(s.properties ?? {}).flatMap(([name, property]) => {
    const meta = (place.root || s['x-kubernetes-embedded-resource']) && metaFields.has(name)
    const there = meta
      ? below(place, { insideMeta: true, ...(place.root ? { noDefaults: `in top-level ${name}` } : {}) })
      : inside
    return checkSchemaRules(property, `${at}.properties[${name}]`, there)
  })
  const junctors = (['allOf', 'oneOf', 'anyOf'] as const).flatMap(name =>
    (s[name] ?? []).flatMap((sub, i) => checkSchemaRules(sub, `${at}.${name}[${i}]`, inside)),
  )
  return [
    ...properties,
    ...(s.not ? checkSchemaRules(s.not, `${at}.not`, inside) : []),
    ...junctors,
    ...(s.items && !Array.isArray(s.items) ? checkSchemaRules(s.items, `${at}.items`, inside) : []),
  ]
}

function plainRules(s: JSONSchemaProps, at: string, place: Place): FieldError[] {
  const errors: FieldError[] = []
  if (s.type === 'null')
    errors.push(forbidden(`${at}.type`, 'type cannot be set to null, use nullable as an alternative'))
  if (s.type && !types.includes(s.type)) errors.unshift(notSupported(`${at}.type`, s.type, types))
  if (s.default !== undefined && place.noDefaults !== undefined)
    errors.push(forbidden(`${at}.default`, `must not be set ${place.noDefaults}`))
  const unsupported = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const
  for (const field of unsupported) {
    const said = s[field]
    if (said !== undefined && said !== '' && !(typeof said === 'object' && !Object.keys(said).length))
      errors.push(forbidden(`${at}.${field}`, `${field} is not supported`))
  }
  if (Array.isArray(s.items)) errors.push(forbidden(`${at}.items`, 'items must be a schema object and not an array'))
  if (place.insideMeta && s['x-kubernetes-embedded-resource'])
    errors.push(forbidden(`${at}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'))
  if (s.uniqueItems)
    errors.push(
      forbidden(
        `${at}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    )
  if (s['x-kubernetes-preserve-unknown-fields'] === false)
    errors.push(invalid(`${at}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  return errors
}

function additionalRules(s: JSONSchemaProps, at: string, place: Place): FieldError[] {
  const more = s.additionalProperties
  if (more === undefined) return []
  const both = Object.keys(s.properties ?? {}).length > 0 && more !== true
  const exclusive = 'additionalProperties and properties are mutual exclusive'
  const noDefaults = place.insideMeta ? 'inside additionalProperties applying to object metadata' : place.noDefaults
  return [
    ...(both ? [forbidden(`${at}.additionalProperties`, exclusive)] : []),
    ...(typeof more === 'object'
      ? checkSchemaRules(more, `${at}.additionalProperties`, below(place, { noDefaults }))
      : []),
  ]
}

function mapRules(s: JSONSchemaProps, at: string): FieldError[] {
  const mapType = s['x-kubernetes-map-type']
  if (mapType === undefined) return []
  const ofObject = 'must be object if x-kubernetes-map-type is specified'
  return [
    ...(s.type === 'object'
      ? []
      : [s.type ? invalid(`${at}.type`, s.type, ofObject) : required(`${at}.type`, ofObject)]),
    ...(mapType === 'atomic' || mapType === 'granular'
      ? []
      : [notSupported(`${at}.x-kubernetes-map-type`, mapType, ['atomic', 'granular'])]),
  ]
}

function listRules(s: JSONSchemaProps, at: string): FieldError[] {
  const listType = s['x-kubernetes-list-type']
  const keys = s['x-kubernetes-list-map-keys'] ?? []
  const errors: FieldError[] = []
  const ofArray = 'must be array if x-kubernetes-list-type is specified'
  if (listType !== undefined && s.type !== 'array')
    errors.push(s.type ? invalid(`${at}.type`, s.type, ofArray) : required(`${at}.type`, ofArray))
  else if (listType === 'set') errors.push(...setRules(s, at))
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType))
    errors.push(notSupported(`${at}.x-kubernetes-list-type`, listType, ['atomic', 'set', 'map']))
  if (keys.length && listType !== 'map') {
    const text = 'must be map if x-kubernetes-list-map-keys is non-empty'
    const where = `${at}.x-kubernetes-list-type`
    errors.push(listType === undefined ? required(where, text) : invalid(where, listType, text))
  }
  if (listType === 'map') errors.push(...keyRules(s, keys, at))
  if (listType === 'map' || listType === 'set') errors.push(...itemRules(s, listType, keys, at))
  return errors
}

function setRules({ items }: JSONSchemaProps, at: string): FieldError[] {
  if (!items || Array.isArray(items)) return []
  const text = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  const [list, map] = [items['x-kubernetes-list-type'], items['x-kubernetes-map-type']]
  if (items.type === 'array' && list !== undefined && list !== 'atomic')
    return [invalid(`${at}.items.x-kubernetes-list-type`, list, text)]
  if (items.type === 'object' && map !== 'atomic')
    return [invalid(`${at}.items.x-kubernetes-map-type`, list ?? 'null', text)]
  return []
}

function keyRules({ items }: JSONSchemaProps, keys: readonly string[], at: string): FieldError[] {
  const errors: FieldError[] = []
  const where = `${at}.x-kubernetes-list-map-keys`
  if (!keys.length) errors.push(required(where, 'must not be empty if x-kubernetes-list-type is map'))
  if (!items) return [...errors, required(`${at}.items`, 'must have a schema if x-kubernetes-list-type is map')]
  if (Array.isArray(items))
    return [...errors, invalid(`${at}.items`, items, 'must only have a single schema if x-kubernetes-list-type is map')]
  if (items.type !== 'object')
    return [
      ...errors,
      invalid(`${at}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map"),
    ]
  keys.forEach((key, i) => {
    const property = items.properties?.[key]
    if (!property) errors.push(invalid(where, keys, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object')
      errors.push(
        invalid(
          `${at}.items.properties[${key}].type`,
          items.type,
          "must be a scalar type if parent array's x-kubernetes-list-type is map",
        ),
      )
    if (keys.indexOf(key) !== i) errors.push(invalid(where, keys, 'must not contain duplicate entries'))
  })
  return errors
}

/** Elements with an identity must be there, and so must what identifies them. */
function itemRules({ items }: JSONSchemaProps, listType: string, keys: readonly string[], at: string): FieldError[] {
  if (!items || Array.isArray(items)) return []
  const errors: FieldError[] = []
  if (items.nullable)
    errors.push(forbidden(`${at}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`))
  if (listType === 'set') return errors
  const of = 'this property is in x-kubernetes-list-map-keys, so it'
  for (const key of keys) {
    const property = items.properties?.[key]
    if (!property) continue
    const where = `${at}.items.properties[${key}]`
    if (!items.required?.includes(key) && property.default === undefined)
      errors.push(required(`${where}.default`, `${of} must have a default or be a required property`))
    if (property.nullable) errors.push(forbidden(`${where}.nullable`, `${of} cannot be nullable`))
  }
  return errors
}

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired']
const hasLineBreak = (text: string) => /[\n\r]/.test(text)

/** What can be said of validation rules without compiling them. */
function ruleTexts(s: JSONSchemaProps, at: string): FieldError[] {
  return (s['x-kubernetes-validations'] ?? []).flatMap(
    ({ rule, message = '', messageExpression = '', reason, fieldPath = '' }, i) => {
      const errors: FieldError[] = []
      const where = `${at}.x-kubernetes-validations[${i}]`
      if (!rule?.trim()) errors.push(required(`${where}.rule`, 'rule is not specified'))
      else if (message && !message.trim())
        errors.push(invalid(`${where}.message`, message, 'message must be non-empty if specified'))
      else if (hasLineBreak(message.trim()))
        errors.push(invalid(`${where}.message`, message, 'message must not contain line breaks'))
      else if (hasLineBreak(rule.trim()) && !message.trim())
        errors.push(required(`${where}.message`, 'message must be specified if rule contains line breaks'))
      if (messageExpression && !messageExpression.trim())
        errors.push(required(`${where}.messageExpression`, 'messageExpression must be non-empty if specified'))
      if (reason !== undefined && !reasons.includes(reason))
        errors.push(notSupported(`${where}.reason`, reason, reasons))
      if (fieldPath && !fieldPath.trim())
        errors.push(invalid(`${where}.fieldPath`, fieldPath, 'fieldPath must be non-empty if specified'))
      if (hasLineBreak(fieldPath))
        errors.push(invalid(`${where}.fieldPath`, fieldPath, 'fieldPath must not contain line breaks'))
      if (fieldPath && typeof schemaAt(s, fieldPath) === 'string')
        errors.push(invalid(`${where}.fieldPath`, fieldPath, 'fieldPath must be a valid path'))
      return errors
    },
  )
}
