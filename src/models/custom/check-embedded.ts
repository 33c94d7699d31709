import { isDns1035Label, isPathSegmentName } from '../../base/names.ts'
import { type FieldError, invalid, required } from '../field-error.ts'
import { texts } from '../kinds/checks.ts'
import { validateLabelsAndSuch } from '../kinds/meta.ts'
import { isRecord, type SchemaNode } from './schema-node.ts'

/** What is wrong with the apiVersion, kind and metadata of objects that are embedded in a value. */
export function checkEmbedded(value: unknown, node: SchemaNode | undefined, place = ''): FieldError[] {
  if (!node || typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item, i) => checkEmbedded(item, node.items, `${place}[${i}]`))
  const object = value as Record<string, unknown>
  const errors = node.embedded ? checkIdentity(object, place) : []
  for (const [name, below] of Object.entries(object)) {
    const own = node.properties.get(name)
    errors.push(...checkEmbedded(below, own ?? node.additional, own ? join(place, name) : `${place}[${name}]`))
  }
  return errors
}

const join = (place: string, name: string) => (place === '' ? name : `${place}.${name}`)

function checkIdentity({ apiVersion, kind, metadata }: Record<string, unknown>, place: string): FieldError[] {
  const errors: FieldError[] = []
  const versionAt = join(place, 'apiVersion')
  if (apiVersion === undefined) errors.push(required(versionAt, 'must not be empty'))
  else if (apiVersion === '') errors.push(invalid(versionAt, '', 'must not be empty'))
  else if (String(apiVersion).split('/').length > 2)
    errors.push(invalid(versionAt, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  const kindAt = join(place, 'kind')
  if (kind === undefined) errors.push(required(kindAt, 'must not be empty'))
  else if (kind === '') errors.push(invalid(kindAt, '', 'must not be empty'))
  else {
    const wrong = isDns1035Label(String(kind).toLowerCase())
    if (wrong.length)
      errors.push(invalid(kindAt, kind, `may have mixed case, but should otherwise match: ${wrong.join(',')}`))
  }
  if (isRecord(metadata)) errors.push(...checkMetadata(metadata, join(place, 'metadata')))
  return errors
}

function checkMetadata(metadata: Record<string, unknown>, place: string): FieldError[] {
  const named = (['name', 'generateName'] as const).flatMap(field => {
    const name = metadata[field]
    return typeof name === 'string' && name !== '' ? texts(`${place}.${field}`, name, isPathSegmentName(name)) : []
  })
  return [...named, ...validateLabelsAndSuch(metadata, place)]
}
