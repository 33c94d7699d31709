import { type FieldError, invalid, notSupported, required, tooMany, typeInvalid } from '../field-error.ts'
import { equal } from '../patch/index.ts'
import { checkNumber, checkText, isWhole, nowhere } from './check-scalar.ts'
import { absent, elementBefore, fieldBefore } from './correlation.ts'
import { Findings } from './findings.ts'
import { isKnownFormat } from './formats.ts'
import { isRecord, nodeOf, type SchemaNode } from './schema-node.ts'
import { shown } from './shown.ts'

/**
 * What a schema refuses about a value, in Kubernetes' words. With `previous`, parts that are as they were are not refused
 * again: who tightens a schema does not lock up objects that are there.
 */
export function checkValue(
  value: unknown,
  node: SchemaNode,
  previous?: unknown,
  path: (string | number)[] = [],
): FieldError[] {
  const found = new Findings(path)
  check(value, node, found, absent)
  if (found.ok || previous === undefined) return found.errors
  const ratcheted = new Findings(path)
  check(value, node, ratcheted, previous)
  return ratcheted.errors
}

/** @param before what stood here in the previous state; `absent` if that cannot be told */
function check(value: unknown, node: SchemaNode, found: Findings, before: unknown): void {
  const here = before === absent ? found : found.apart()
  checkHere(value, node, here, before)
  if (here === found) return
  if (here.ok || !equal(value, before)) found.merge(here)
}

function checkHere(value: unknown, node: SchemaNode, found: Findings, before: unknown): void {
  const { schema } = node
  const typed = checkType(value, node, found)
  found.matches++
  if (value !== null) {
    checkJunctors(value, node, found)
    if (typeof value === 'string') checkText(value, schema, found)
    else if (typeof value === 'number' || typeof value === 'bigint') checkNumber(value, schema, found)
    else if (Array.isArray(value)) checkList(value, node, found, before)
  }
  if (schema.enum?.length && !isListed(value, schema.enum))
    found.add(
      notSupported(
        found.place,
        shown(value ?? 'null'),
        schema.enum.map(v => (typeof v === 'string' ? v : JSON.stringify(v))),
      ),
    )
  if (isRecord(value)) checkObject(value, node, found, before)
  if (typed) found.matches++
}

function checkType(value: unknown, node: SchemaNode, found: Findings): boolean {
  const { type, nullable } = node.schema
  const types = node.intOrString ? ['integer', 'string'] : type ? [type] : []
  if (types.length === 0 || (value === null && nullable)) return true
  const actual = typeOf(value)
  if (types.includes(actual) || (actual === 'integer' && types.includes('number'))) return true
  const { format } = node.schema
  // A text with a format is told apart by it; a list is taken for bytes, whatever is in it.
  if (type === 'string' && format && value !== null && isKnownFormat(format)) {
    if (Array.isArray(value)) return true
    const kind = actual === 'integer' ? 'int64' : actual === 'number' ? 'float64' : ''
    found.add(typeInvalid(found.place, kind, `${found.place} in body must be of type ${format}: "${kind}"`))
    return false
  }
  const names = types.join(',')
  found.add(
    typeInvalid(found.place, actual, `${found.place} in body must be of type ${names}: ${JSON.stringify(actual)}`),
  )
  return false
}

export function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number' || typeof value === 'bigint') return isWhole(value) ? 'integer' : 'number'
  return typeof value
}

function isListed(value: unknown, allowed: readonly unknown[]): boolean {
  return value !== null && allowed.some(a => equal(a, value))
}

function checkList(list: unknown[], node: SchemaNode, found: Findings, before: unknown): void {
  const { items } = node
  const { path } = found
  if (items) {
    const at = path.length
    list.forEach((item, i) => {
      path[at] = i
      check(item, items, found, before === absent ? absent : elementBefore(item, node, before))
    })
    path.length = at
  }
  const { minItems, maxItems, uniqueItems } = node.schema
  if (minItems === undefined && maxItems === undefined && !uniqueItems) return
  const place = found.place
  if (minItems !== undefined && list.length < minItems)
    found.add(invalid(place, list.length, `${place} in body should have at least ${minItems} items`))
  if (maxItems !== undefined && list.length > maxItems) found.add(tooMany(place, list.length, maxItems))
  if (uniqueItems && list.some((item, i) => list.slice(0, i).some(other => equal(item, other))))
    found.add(invalid(place, '', `${place} in body shouldn't contain duplicates`))
}

function checkObject(object: Record<string, unknown>, node: SchemaNode, found: Findings, before: unknown): void {
  const { minProperties, maxProperties, required: names = [] } = node.schema
  const present = Object.keys(object)
  const count = present.length
  if (minProperties !== undefined && count < minProperties)
    found.add(invalid(found.place, count, `${found.place} in body should have at least ${minProperties} properties`))
  if (maxProperties !== undefined && count > maxProperties) found.add(tooMany(found.place, count, maxProperties))
  // What an object is called is checked always: it may be asked for in another version than before.
  const always = found.path.length === 0 ? ['apiVersion', 'kind'] : []
  for (const name of present) {
    const below = node.field(name)
    if (!below || object[name] === undefined) continue
    const was = before === absent || always.includes(name) ? absent : fieldBefore(name, before)
    found.path.push(name)
    check(object[name], below, found, was)
    found.path.pop()
  }
  for (const name of names)
    if (object[name] === undefined || !Object.hasOwn(object, name))
      found.add(required(found.path.length ? `${found.place}.${name}` : name))
}

/** allOf, anyOf, oneOf, not: other schemas of the same value. They know nothing of what was before: of a value that changed all is asked. */
function checkJunctors(value: unknown, { schema }: SchemaNode, found: Findings): void {
  const tried = (sub: object) => {
    const apart = found.apart()
    checkHere(value, nodeOf(sub), apart, absent)
    return apart
  }
  const place = JSON.stringify(found.place)
  if (schema.anyOf?.length) {
    const results = untilFirst(schema.anyOf, tried)
    const success = results.find(r => r.ok)
    if (!success) found.add(nowhere(`${place} must validate at least one schema (anyOf)`))
    found.merge(success ?? best(results))
  }
  if (schema.oneOf?.length) {
    const results = schema.oneOf.map(tried)
    const valid = results.filter(r => r.ok)
    if (valid.length === 1) found.merge(valid[0]!)
    else {
      const count = valid.length === 0 ? 'Found none valid' : `Found ${valid.length} valid alternatives`
      found.add(nowhere(`${place} must validate one and only one schema (oneOf). ${count}`))
      if (valid.length === 0) found.merge(best(results))
    }
  }
  if (schema.allOf?.length) {
    const results = schema.allOf.map(tried)
    for (const result of results) found.merge(result)
    if (!results.every(r => r.ok)) {
      const none = results.some(r => r.ok) ? '' : '. None validated'
      found.add(nowhere(`${place} must validate all the schemas (allOf)${none}`))
    }
  }
  if (schema.not && tried(schema.not).ok) found.add(nowhere(`${place} must not validate the schema (not)`))
}

function untilFirst(schemas: readonly object[], tried: (schema: object) => Findings): Findings[] {
  const results: Findings[] = []
  for (const schema of schemas) {
    const result = tried(schema)
    results.push(result)
    if (result.ok) break
  }
  return results
}

const best = (results: Findings[]): Findings => results.reduce((a, b) => (b.matches > a.matches ? b : a))
