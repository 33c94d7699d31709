import { isDns1035Label } from '../../../base/names.ts'
import { storedTexts } from '../../cel/index.ts'
import { checkDefaults } from '../../custom/default-rules.ts'
import { checkRuleDefinitions } from '../../custom/rule-definitions.ts'
import { nodeOf } from '../../custom/schema-node.ts'
import { schemaAt } from '../../custom/schema-path.ts'
import { checkSchemaRules } from '../../custom/schema-rules.ts'
import { checkStructural, unsupportedProblem } from '../../custom/structural.ts'
import { duplicate, type FieldError, forbidden, invalid, required, tooMany } from '../../field-error.ts'
import { equal } from '../../patch/index.ts'
import type * as apiextensions from '../../types/apiextensions-v1.ts'

type Version = apiextensions.CustomResourceDefinitionVersion

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string']
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password']
const mostSelectableFields = 8
const byteLength = (text: string) => new TextEncoder().encode(text).length

/** What all versions say alike. Kubernetes speaks of it as said by the definition itself, and of no version. */
export interface Shared {
  schema: boolean
  subresources: boolean
  additionalPrinterColumns: boolean
  selectableFields: boolean
  /** Texts of rules that are stored already. */
  stored: ReadonlySet<string>
}

export function sharedParts(versions: readonly Version[], previous?: readonly Version[]): Shared {
  const [first] = versions
  const alike = (part: Exclude<keyof Shared, 'stored'>) =>
    first !== undefined && versions.every(v => equal(v[part] ?? null, first[part] ?? null))
  return {
    schema: alike('schema'),
    subresources: alike('subresources'),
    additionalPrinterColumns: alike('additionalPrinterColumns'),
    selectableFields: alike('selectableFields'),
    stored: storedTexts(previous),
  }
}

/** What is wrong with one version of a definition, but for what is shared. What was accepted before is not looked at again. */
export function checkVersion(version: Version, at: string, shared: Shared, previous?: Version): FieldError[] {
  const name = checkVersionName(version.name, `${at}.name`)
  if (previous && equal(version, previous)) return name
  const { schema, subresources, additionalPrinterColumns, ...rest } = version
  return [
    ...name,
    ...checkDeprecation(version, `${at}.deprecationWarning`),
    ...(shared.schema ? [] : checkSchemaOf(schema, Boolean(subresources?.status), `${at}.schema`, shared.stored)),
    ...(shared.subresources ? [] : checkSubresources(subresources, `${at}.subresources`)),
    ...(shared.additionalPrinterColumns ? [] : checkColumns(additionalPrinterColumns, at)),
    ...(shared.selectableFields
      ? []
      : checkSelectableFields(
          rest.selectableFields,
          shared.schema ? undefined : schema,
          'selectableFields may only be set when version.schema.openAPIV3Schema is not included',
          `${at}.selectableFields`,
        )),
  ]
}

/** What is wrong with what all versions share. */
export function checkShared(versions: readonly Version[], shared: Shared, at: string): FieldError[] {
  const [first] = versions
  if (!first) return []
  const hasStatus = versions.some(v => v.subresources?.status)
  return [
    ...(shared.schema ? checkSchemaOf(first.schema, hasStatus, `${at}.validation`, shared.stored) : []),
    ...(shared.subresources ? checkSubresources(first.subresources, `${at}.subresources`) : []),
    ...(shared.additionalPrinterColumns ? checkColumns(first.additionalPrinterColumns, at) : []),
    ...(shared.selectableFields
      ? checkSelectableFields(
          first.selectableFields,
          shared.schema ? first.schema : undefined,
          'selectableFields may only be set when validations.schema is included',
          `${at}.selectableFields`,
        )
      : []),
  ]
}

function checkSchemaOf(
  validation: apiextensions.CustomResourceValidation | undefined,
  hasStatus: boolean,
  at: string,
  stored: ReadonlySet<string>,
): FieldError[] {
  const schema = validation?.openAPIV3Schema
  return schema ? checkSchema(schema, hasStatus, `${at}.openAPIV3Schema`, stored) : []
}

const checkColumns = (columns: apiextensions.CustomResourceColumnDefinition[] | undefined, at: string) =>
  (columns ?? []).flatMap((c, i) => checkColumn(c, `${at}.additionalPrinterColumns[${i}]`))

function checkVersionName(name: string | undefined, at: string): FieldError[] {
  const wrong = isDns1035Label(name ?? '')
  return wrong.length ? [invalid(at, name ?? '', wrong.join(','))] : []
}

function checkDeprecation({ deprecated, deprecationWarning: text }: Version, at: string): FieldError[] {
  if (text === undefined) return []
  if (!deprecated) return [invalid(at, text, 'can only be set for deprecated versions')]
  const errors: FieldError[] = []
  if (byteLength(text) > 256) errors.push(invalid(at, text, 'must be <= 256 characters long'))
  if (text === '') errors.push(invalid(at, text, 'must not be an empty string'))
  const odd = text.search(/[\p{C}\p{Zl}\p{Zp}]/u)
  if (odd >= 0) {
    const found = `non-printable character found at index ${byteLength(text.slice(0, odd))}`
    errors.push(invalid(at, text, `must only contain printable UTF-8 characters; ${found}`))
  }
  return errors
}

/** Everything that could be lost when the status is looked at alone. */
const allowedAtRoot =
  'description type format title maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern maxItems minItems uniqueItems multipleOf required items properties externalDocs example x-kubernetes-preserve-unknown-fields x-kubernetes-validations'.split(
    ' ',
  )
const goNames =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations'

function checkSchema(
  schema: apiextensions.JSONSchemaProps,
  hasStatus: boolean,
  at: string,
  stored: ReadonlySet<string>,
): FieldError[] {
  const root = hasStatus ? checkRoot(schema, at) : []
  if (schema.nullable) root.push(forbidden(`${at}.nullable`, 'nullable cannot be true at the root'))
  const unsupported = unsupportedProblem(schema)
  const structural = unsupported === undefined ? checkStructural(schema, at) : []
  const defaults =
    structural.length || unsupported !== undefined
      ? []
      : checkDefaults(nodeOf({ ...schema, 'x-kubernetes-embedded-resource': true }), at)
  const errors = [...root, ...structural, ...defaults, ...checkSchemaRules(schema, at)]
  if (!errors.length && unsupported !== undefined) errors.push(invalid(at, '', unsupported))
  // What expressions see follows from the schema: there is no point in compiling them before it is right.
  return errors.length ? errors : checkRuleDefinitions(schema, at, stored)
}

function checkRoot(schema: apiextensions.JSONSchemaProps, at: string): FieldError[] {
  if (schema.type && schema.type !== 'object') {
    const text = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
    return [invalid(`${at}.type`, schema.type, text)]
  }
  const other = Object.entries(schema).find(([name, value]) => value !== false && !allowedAtRoot.includes(name))
  if (!other) return []
  const text = `only [${goNames}] fields are allowed at the root of the schema if the status subresource is enabled`
  return [invalid(at, { [other[0]]: other[1] }, text)]
}

function checkSubresources({ scale }: apiextensions.CustomResourceSubresources = {}, at: string): FieldError[] {
  if (!scale) return []
  const path = (
    field: 'specReplicasPath' | 'statusReplicasPath' | 'labelSelectorPath',
    under: string[],
    text: string,
  ) => {
    const value = scale[field]
    if (!value) return field === 'labelSelectorPath' ? [] : [required(`${at}.scale.${field}`)]
    const wrong = jsonPathProblem(value)
    if (wrong) return [invalid(`${at}.scale.${field}`, value, wrong)]
    return under.some(u => value.startsWith(u)) ? [] : [invalid(`${at}.scale.${field}`, value, text)]
  }
  return [
    ...path('specReplicasPath', ['.spec.'], 'should be a json path under .spec'),
    ...path('statusReplicasPath', ['.status.'], 'should be a json path under .status'),
    ...path('labelSelectorPath', ['.spec.', '.status.'], 'should be a json path under either .spec or .status'),
  ]
}

function jsonPathProblem(path: string): string | undefined {
  if (path === '') return 'must not be empty'
  return path.startsWith('.') ? undefined : 'must be a simple json path starting with .'
}

function checkColumn(column: apiextensions.CustomResourceColumnDefinition, at: string): FieldError[] {
  const errors: FieldError[] = []
  const oneOf = (list: string[]) => `must be one of ${list.join(',')}`
  if (!column.name) errors.push(required(`${at}.name`))
  if (!column.type) errors.push(required(`${at}.type`, oneOf(columnTypes)))
  else if (!columnTypes.includes(column.type)) errors.push(invalid(`${at}.type`, column.type, oneOf(columnTypes)))
  if (column.format && !columnFormats.includes(column.format))
    errors.push(invalid(`${at}.format`, column.format, oneOf(columnFormats)))
  if (!column.jsonPath) errors.push(required(`${at}.JSONPath`))
  else {
    const wrong = jsonPathProblem(column.jsonPath)
    if (wrong) errors.push(invalid(`${at}.JSONPath`, column.jsonPath, wrong))
  }
  return errors
}

function checkSelectableFields(
  selectableFields: apiextensions.SelectableField[] = [],
  schema: apiextensions.CustomResourceValidation | undefined,
  noSchema: string,
  at: string,
): FieldError[] {
  if (!selectableFields.length) return []
  const root = schema?.openAPIV3Schema
  if (!root) return [invalid(at, '', noSchema)]
  const seen = new Set<string>()
  const errors = selectableFields.flatMap(({ jsonPath }, i) => {
    const where = `${at}[${i}].jsonPath`
    if (!jsonPath) return [required(where)]
    const found = schemaAt(root, jsonPath, false)
    if (typeof found === 'string') return [invalid(where, jsonPath, `is an invalid path: ${found}`)]
    const twice = seen.has(found.names.join('.'))
    seen.add(found.names.join('.'))
    return [
      ...(found.names[0] === 'metadata' ? [invalid(where, jsonPath, 'must not point to fields in metadata')] : []),
      ...(['string', 'boolean', 'integer'].includes(found.schema.type ?? '')
        ? []
        : [
            invalid(
              where,
              jsonPath,
              'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
            ),
          ]),
      ...(twice ? [duplicate(where, jsonPath)] : []),
    ]
  })
  return seen.size > mostSelectableFields ? [...errors, tooMany(at, seen.size, mostSelectableFields)] : errors
}
