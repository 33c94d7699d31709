import type { FieldError } from '../field-error.ts'
import { invalid } from '../field-error.ts'
import { equal } from '../patch/index.ts'
import { checkEmbedded } from './check-embedded.ts'
import { checkRules } from './check-rules.ts'
import { checkValue } from './check-value.ts'
import { prunedCustom } from './decode-custom.ts'
import { isRecord, type SchemaNode } from './schema-node.ts'

/** Defaults that their own schema would refuse or cut down. */
export function checkDefaults(node: SchemaNode, at: string): FieldError[] {
  if (!node.hasDefaults && node.schema.default === undefined) return []
  return [
    ...checkDefault(node, `${at}.default`),
    ...(node.items ? checkDefaults(node.items, `${at}.items`) : []),
    ...[...node.properties].flatMap(([name, property]) => checkDefaults(property, `${at}.properties[${name}]`)),
  ]
}

function checkDefault(node: SchemaNode, at: string): FieldError[] {
  const value: unknown = node.schema.default
  if (value === undefined) return []
  if (isRecord(value) && !equal(prunedCustom(value, node, false), value))
    return [invalid(at, value, 'must not have unknown fields')]
  const errors = [...checkEmbedded(value, node, at), ...checkValue(value, node).map(error => moved(error, at))]
  return errors.length ? errors : checkRules(value, node, undefined, at, node.embedded)
}

const moved = (error: FieldError, at: string): FieldError =>
  error.field === '<nil>' ? error : { ...error, field: error.field === '' ? at : `${at}.${error.field}` }
