import type { FieldError } from '../field-error.ts'
import { goValue, invalid } from '../field-error.ts'
import { equal } from '../patch/index.ts'
import { checkEmbedded } from './check-embedded.ts'
import { checkRules } from './check-rules.ts'
import { checkValue } from './check-value.ts'
import { prunedCustom } from './decode-custom.ts'
import { isRecord, type SchemaNode } from './schema-node.ts'

/**
 * Defaults that their own schema would refuse or cut down.
 * @param inMetadata below the metadata of an object, which cuts down by itself, without a word
 */
export function checkDefaults(node: SchemaNode, at: string, inMetadata = false): FieldError[] {
  if (!node.hasDefaults && node.schema.default === undefined) return []
  const within = inMetadata && !node.embedded
  return [
    ...checkDefault(node, `${at}.default`, within),
    ...(node.items ? checkDefaults(node.items, `${at}.items`, within) : []),
    ...[...node.properties].flatMap(([name, property]) =>
      checkDefaults(property, `${at}.properties[${name}]`, within || (node.embedded && name === 'metadata')),
    ),
  ]
}

function checkDefault(node: SchemaNode, at: string, inMetadata: boolean): FieldError[] {
  const value: unknown = node.schema.default
  if (value === undefined) return []
  const unknown: FieldError[] = []
  if (!inMetadata && isRecord(value) && !equal(bare(prunedCustom(value, node, false), node), bare(value, node)))
    unknown.push(invalid(at, goValue(value), 'must not have unknown fields'))
  const errors = [...checkEmbedded(value, node, at), ...checkValue(value, node).map(error => moved(error, at))]
  return errors.length
    ? [...unknown, ...errors]
    : [...unknown, ...checkRules(value, node, undefined, at, node.embedded)]
}

/** Without the metadata of embedded objects. */
function bare(value: unknown, node: SchemaNode): unknown {
  const { items, properties, embedded } = node
  if (Array.isArray(value)) return items ? value.map(item => bare(item, items)) : value
  if (!isRecord(value)) return value
  const kept = Object.entries(value).filter(([name]) => !(embedded && name === 'metadata'))
  return Object.fromEntries(
    kept.map(([name, inner]) => {
      const property = properties.get(name)
      return [name, property ? bare(inner, property) : inner]
    }),
  )
}

const moved = (error: FieldError, at: string): FieldError =>
  error.field === '<nil>' ? error : { ...error, field: error.field === '' ? at : `${at}.${error.field}` }
