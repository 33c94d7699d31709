import { isQualifiedName } from '../../base/names.ts'
import { type FieldError, goQuote, invalid } from '../field-error.ts'
import type { CustomSchema, Kind, Subresource } from '../kind.ts'
import { apiVersionOf } from '../kind.ts'
import type { AnyObject } from '../object.ts'
import { equal } from '../patch/index.ts'
import { compareVersions } from '../registry.ts'
import type * as apiextensions from '../types/apiextensions-v1.ts'
import { applyTypeOf } from './apply-type.ts'
import { checkEmbedded } from './check-embedded.ts'
import { checkUnique } from './check-lists.ts'
import { checkRules } from './check-rules.ts'
import { checkScale } from './check-scale.ts'
import { checkValue } from './check-value.ts'
import { customColumns } from './custom-columns.ts'
import { decodeCustom, prunedCustom } from './decode-custom.ts'
import { defaultCustom } from './default-custom.ts'
import { type JsonPath, parseJsonPath } from './json-path.ts'
import { hasRules } from './rules.ts'
import { nodeOf, type SchemaNode } from './schema-node.ts'

type Version = apiextensions.CustomResourceDefinitionVersion

/** A definition without a schema lets everything through. */
const anything: apiextensions.JSONSchemaProps = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

/** The kind that one version of a definition makes, under the names that were accepted. */
export function customKind(crd: apiextensions.CustomResourceDefinition, version: Version): Kind<AnyObject> {
  const names = crd.status?.acceptedNames?.plural ? crd.status.acceptedNames : crd.spec.names
  const openApi = version.schema?.openAPIV3Schema
  const root = nodeOf(openApi ?? anything)
  const { group, scope } = crd.spec
  const subresources: Subresource[] = [
    ...(version.subresources?.status ? (['status'] as const) : []),
    ...(version.subresources?.scale ? (['scale'] as const) : []),
  ]
  const apiVersion = apiVersionOf({ group, version: version.name })
  return {
    group,
    version: version.name,
    kind: names.kind,
    plural: names.plural,
    ...(names.singular ? { singular: names.singular } : {}),
    ...(names.shortNames?.length ? { shortNames: names.shortNames } : {}),
    ...(names.categories?.length ? { categories: names.categories } : {}),
    scope,
    schema: '',
    subresources,
    unconditionalUpdate: false,
    columns: customColumns(version.additionalPrinterColumns),
    ownAge: true,
    ...scaleOf(version.subresources?.scale),
    ...fieldsOf(version.selectableFields ?? []),
    ...(version.deprecated ? { deprecation: version.deprecationWarning ?? deprecationOf(crd.spec, version.name) } : {}),
    generationChanged: (next, previous) => !sameContent(next, previous, subresources.includes('status')),
    warnings: finalizerWarnings,
    validate: (next, previous, warnings) => validate(root, version, next, previous, warnings),
    custom: customSchema(root, openApi, names, `${apiVersion}.${names.kind}`),
  }
}

const standardFinalizers = ['orphan', 'foregroundDeletion', 'kubernetes']

/** Finalizers of custom resources may be called anything; who names one without a domain is told that others may do so too. */
function finalizerWarnings({ metadata }: AnyObject, previous?: AnyObject): string[] {
  const before = new Set(previous?.metadata.finalizers)
  const added = (metadata.finalizers ?? []).filter(name => !before.has(name))
  return [...new Set(added)].sort().flatMap(name => {
    const at = `metadata.finalizers: ${goQuote(name)}`
    const wrong = isQualifiedName(name).map(text => `${at}: ${text}`)
    if (name.includes('/') || standardFinalizers.includes(name)) return wrong
    const path = name.includes('.') ? ' including a path (/)' : ''
    return [
      ...wrong,
      `${at}: prefer a domain-qualified finalizer name${path} to avoid accidental conflicts with other finalizer writers`,
    ]
  })
}

/** Names the newest version to go to, if a better one is served that is not deprecated too. */
function deprecationOf(
  { group, names, versions }: apiextensions.CustomResourceDefinitionSpec,
  version: string,
): string {
  const [better] = versions
    .filter(v => v.served && !v.deprecated && compareVersions(version, v.name) > 0)
    .map(v => v.name)
    .sort(compareVersions)
  const text = `${group}/${version} ${names.kind} is deprecated`
  return better ? `${text}; use ${group}/${better} ${names.kind}` : text
}

function customSchema(
  root: SchemaNode,
  openApi: apiextensions.JSONSchemaProps | undefined,
  names: apiextensions.CustomResourceDefinitionNames,
  typeName: string,
): CustomSchema {
  let type: CustomSchema['type'] | undefined
  return {
    openApi,
    listKind: names.listKind || `${names.kind}List`,
    get type() {
      type ??= applyTypeOf(root, typeName)
      return type
    },
    decode: (value, context) => decodeCustom(value, root, context),
    prune: object => prunedCustom(object, root) as AnyObject,
    applyDefaults: object => defaultCustom(object, root),
  }
}

/** Everything but metadata counts, status too where it has no path of its own. */
function sameContent(next: AnyObject, previous: AnyObject, ownStatus: boolean): boolean {
  for (const name of new Set([...Object.keys(next), ...Object.keys(previous)])) {
    if (name === 'metadata' || (ownStatus && name === 'status')) continue
    if (!equal(next[name] ?? null, previous[name] ?? null)) return false
  }
  return true
}

function validate(
  root: SchemaNode,
  version: Version,
  next: AnyObject,
  previous: AnyObject | undefined,
  warnings?: string[],
): FieldError[] {
  const uniqueBefore = !previous || checkUnique(previous, root).length === 0
  const errors = [
    ...checkValue(next, root, previous),
    ...checkScale(next, version.subresources?.scale),
    ...checkEmbedded(next, root),
    ...(uniqueBefore ? checkUnique(next, root) : []),
  ]
  if (errors.some(error => blocking.has(error.reason)) && hasRules(root)) return [...errors, rulesNotAsked]
  const tolerated: FieldError[] = []
  errors.push(...checkRules(next, root, previous, '', true, tolerated))
  warnings?.push(...tolerated.map(({ field, message }) => `${field}: ${message}`))
  return errors
}

/** What is so wrong that rules could not make sense of the object. */
const blocking = new Set<FieldError['reason']>([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
])
const rulesNotAsked = invalid(
  '<nil>',
  'null',
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
)

function scaleOf(scale: apiextensions.CustomResourceSubresourceScale | undefined): Pick<Kind<AnyObject>, 'scale'> {
  if (!scale) return {}
  const selector = scale.labelSelectorPath ? dottedPath(scale.labelSelectorPath) : undefined
  return {
    scale: {
      specReplicas: scale.specReplicasPath,
      statusReplicas: scale.statusReplicasPath,
      selector: object => String(selector?.find(object)[0] ?? ''),
    },
  }
}

function fieldsOf(selectable: readonly apiextensions.SelectableField[]): Pick<Kind<AnyObject>, 'fields'> {
  if (!selectable.length) return {}
  return {
    fields: Object.fromEntries(
      selectable.map(({ jsonPath }) => {
        const path = dottedPath(jsonPath)
        return [jsonPath.replace(/^\./, ''), (object: AnyObject) => String(path.find(object)[0] ?? '')]
      }),
    ),
  }
}

const nowhere: JsonPath = { find: () => [] }

/** Paths are checked when a definition is stored; one that cannot be read all the same leads nowhere. */
function dottedPath(text: string): JsonPath {
  try {
    return parseJsonPath(text)
  } catch {
    return nowhere
  }
}
