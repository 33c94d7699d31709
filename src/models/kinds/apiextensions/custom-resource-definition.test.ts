import { describe, expect, test } from 'vitest'
import { refusals, updateRefusals } from '../testing.ts'
import { CustomResourceDefinition } from './custom-resource-definition.ts'

type Change = (crd: any) => void
const text = { type: 'string' }

function definition(change: Change = () => {}): any {
  const crd = {
    metadata: { name: 'toys.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'toys', kind: 'Toy' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
    },
  }
  change(crd)
  return crd
}
const told = (change?: Change) => refusals(CustomResourceDefinition, definition(change))
/** What all versions share is told as the definition's own. */
const schema = 'spec.validation.openAPIV3Schema'
/** What a schema of `spec` is told; paths are from there. */
const toldOf = (spec: object) =>
  told(crd => {
    crd.spec.versions[0].schema.openAPIV3Schema = { type: 'object', properties: { spec } }
  }).map(line => line.replace(`${schema}.properties[spec]`, '').replace(/^\./, ''))

test('a small definition is complete', () => {
  expect(told()).toEqual([])
})

describe('a definition', () => {
  test.each<[string, Change]>([
    [
      'metadata.name: Invalid value: "other.example.com": must be spec.names.plural+"."+spec.group',
      crd => (crd.metadata.name = 'other.example.com'),
    ],
    [
      'spec.group: Invalid value: "local": should be a domain with at least one dot',
      crd => {
        crd.spec.group = 'local'
        crd.metadata.name = 'toys.local'
      },
    ],
    ['spec.scope: Required value', crd => delete crd.spec.scope],
    [
      'spec.versions: Invalid value: []apiextensions.CustomResourceDefinitionVersion{apiextensions.CustomResourceDefinitionVersion{Name:"v1", Served:true, Storage:false, Deprecated:false, DeprecationWarning:(*string)(nil), Schema:(*apiextensions.CustomResourceValidation)(nil), Subresources:(*apiextensions.CustomResourceSubresources)(nil), AdditionalPrinterColumns:[]apiextensions.CustomResourceColumnDefinition(nil), SelectableFields:[]apiextensions.SelectableField(nil)}}: must have exactly one version marked as storage version',
      crd => (crd.spec.versions[0].storage = false),
    ],
    [
      'spec.versions: Invalid value: []apiextensions.CustomResourceDefinitionVersion{apiextensions.CustomResourceDefinitionVersion{Name:"v1", Served:true, Storage:true, Deprecated:false, DeprecationWarning:(*string)(nil), Schema:(*apiextensions.CustomResourceValidation)(nil), Subresources:(*apiextensions.CustomResourceSubresources)(nil), AdditionalPrinterColumns:[]apiextensions.CustomResourceColumnDefinition(nil), SelectableFields:[]apiextensions.SelectableField(nil)}, apiextensions.CustomResourceDefinitionVersion{Name:"v1", Served:true, Storage:false, Deprecated:false, DeprecationWarning:(*string)(nil), Schema:(*apiextensions.CustomResourceValidation)(nil), Subresources:(*apiextensions.CustomResourceSubresources)(nil), AdditionalPrinterColumns:[]apiextensions.CustomResourceColumnDefinition(nil), SelectableFields:[]apiextensions.SelectableField(nil)}}: must contain unique version names',
      crd => crd.spec.versions.push({ ...crd.spec.versions[0], storage: false }),
    ],
    [
      'spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required',
      crd => delete crd.spec.versions[0].schema,
    ],
    [
      'spec.names.listKind: Invalid value: "Toy": kind and listKind may not be the same',
      crd => (crd.spec.names.listKind = 'Toy'),
    ],
    [
      'spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead',
      crd => (crd.spec.preserveUnknownFields = true),
    ],
    [
      'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
      crd => (crd.spec.versions[0].additionalPrinterColumns = [{ name: 'A', type: 'text', jsonPath: '.a' }]),
    ],
    [
      'spec.additionalPrinterColumns[0].JSONPath: Invalid value: "a": must be a simple json path starting with .',
      crd => (crd.spec.versions[0].additionalPrinterColumns = [{ name: 'A', type: 'string', jsonPath: 'a' }]),
    ],
    [
      'spec.subresources.scale.specReplicasPath: Invalid value: ".status.replicas": should be a json path under .spec',
      crd =>
        (crd.spec.versions[0].subresources = {
          scale: { specReplicasPath: '.status.replicas', statusReplicasPath: '.status.replicas' },
        }),
    ],
    [
      'spec.selectableFields[0].jsonPath: Invalid value: ".spec.x": is an invalid path: does not refer to a valid field',
      crd => (crd.spec.versions[0].selectableFields = [{ jsonPath: '.spec.x' }]),
    ],
    [
      'spec.versions[0].deprecationWarning: Invalid value: "w": can only be set for deprecated versions',
      crd => (crd.spec.versions[0].deprecationWarning = 'w'),
    ],
    [
      'spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook',
      crd => (crd.spec.conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'] } }),
    ],
    [
      'spec.conversion.conversionReviewVersions: Invalid value: []string{"v9"}: must include at least one of v1, v1beta1',
      crd =>
        (crd.spec.conversion = {
          strategy: 'Webhook',
          webhook: { conversionReviewVersions: ['v9'], clientConfig: { url: 'https://a.b' } },
        }),
    ],
    [
      'spec.conversion.strategy: Invalid value: "Webhook": must be None if spec.preserveUnknownFields is true',
      crd => {
        crd.spec.preserveUnknownFields = true
        crd.spec.conversion = {
          strategy: 'Webhook',
          webhook: { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://a.b' } },
        }
      },
    ],
    [
      `metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation "api-approved.kubernetes.io", see https://github.com/kubernetes/enhancements/pull/1111`,
      crd => {
        crd.spec.group = 'toys.k8s.io'
        crd.metadata.name = 'toys.toys.k8s.io'
      },
    ],
  ])('%s', (refusal, change) => {
    expect(told(change)[0]).toBe(refusal)
  })

  test('names no webhook unless it is the strategy, whatever else that is', () => {
    const webhook = { conversionReviewVersions: ['v1'], clientConfig: { url: 'https://a.b' } }
    const other = 'should not be set when strategy is not set to Webhook'
    expect(told(crd => (crd.spec.conversion = { strategy: 'a', webhook }))).toEqual([
      'spec.conversion.strategy: Unsupported value: "a": supported values: "None", "Webhook"',
      `spec.conversion.webhookClientConfig: Forbidden: ${other}`,
      `spec.conversion.conversionReviewVersions: Forbidden: ${other}`,
    ])
  })

  test('keeps what its objects are stored under', () => {
    const established = definition()
    const change: Change = crd => {
      crd.spec.scope = 'Cluster'
      crd.spec.names.plural = 'others'
    }
    expect(updateRefusals(CustomResourceDefinition, established, change)).toEqual([
      'spec.names.plural: Invalid value: "others": field is immutable',
    ])
    const dropped: Change = crd => {
      crd.spec.versions[0].name = 'v2'
    }
    expect(updateRefusals(CustomResourceDefinition, established, dropped)).toEqual([
      'status.storedVersions[0]: Invalid value: "v1": must appear in spec.versions',
    ])
    const said: Change = crd => {
      crd.status = { ...crd.status, storedVersions: ['v1', ''] }
    }
    expect(updateRefusals(CustomResourceDefinition, established, said)).toEqual([])
  })
})

test('two versions that differ are told apart; what they share is told once', () => {
  const wrong = { additionalPrinterColumns: [{ name: 'A', type: 'text', jsonPath: '.a' }] }
  const two = told(crd => {
    const [v1] = crd.spec.versions
    const v2 = { ...v1, name: 'v2', storage: false, schema: { openAPIV3Schema: { type: 'object', description: 'd' } } }
    crd.spec.versions = [v1, v2].map(v => ({ ...v, ...wrong, selectableFields: [{ jsonPath: '.a' }] }))
    v2.schema.openAPIV3Schema.nullable = true
  })
  expect(two).toEqual([
    'spec.versions[1].schema.openAPIV3Schema.nullable: Forbidden: nullable cannot be true at the root',
    'spec.additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
    'spec.selectableFields: Invalid value: "": selectableFields may only be set when validations.schema is included',
  ])
})

describe('a schema', () => {
  test.each<[string, object]>([
    ['type: Required value: must not be empty for specified object fields', {}],
    [
      'type: Unsupported value: "map": supported values: "array", "boolean", "integer", "number", "object", "string"',
      { type: 'map' },
    ],
    ['items: Required value: must be specified', { type: 'array' }],
    [
      'anyOf[0].type: Forbidden: must be empty to be structural',
      { ...text, anyOf: [{ type: 'string', minLength: 1 }] },
    ],
    [
      'pattern: Invalid value: "(": must be a valid regular expression, but isn\'t: error parsing regexp: missing closing ): `(`',
      { ...text, pattern: '(' },
    ],
    ['default: Invalid value: "integer":  in body must be of type string: "integer"', { ...text, default: 1 }],
    [
      'default: Invalid value: map[string]interface {}{"odd":1}: must not have unknown fields',
      { type: 'object', default: { odd: 1 }, properties: { a: text } },
    ],
    [
      'default: Invalid value: map[string]interface {}{"apiVersion":"v1", "kind":"A", "metadata":map[string]interface {}{"name":"a", "odd":1}, "odd":1}: must not have unknown fields',
      {
        ...{ type: 'object', 'x-kubernetes-embedded-resource': true, properties: { a: text } },
        // Only what stands outside of the metadata is a mistake.
        default: { apiVersion: 'v1', kind: 'A', metadata: { name: 'a', odd: 1 }, odd: 1 },
      },
    ],
    [
      'additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
      { type: 'object', properties: { a: text }, additionalProperties: text },
    ],
    [
      'uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      { type: 'array', items: text, uniqueItems: true },
    ],
    [
      'x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map',
      { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } },
    ],
    [
      'items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: { type: 'object', properties: { k: text } },
      },
    ],
    [
      'items.x-kubernetes-map-type: Invalid value: "null": must be atomic as item of a list with x-kubernetes-list-type=set',
      { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'object' } },
    ],
    [
      'x-kubernetes-preserve-unknown-fields: Invalid value: true: must be false if x-kubernetes-int-or-string is true',
      { 'x-kubernetes-int-or-string': true, 'x-kubernetes-preserve-unknown-fields': true },
    ],
    [
      'properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      { type: 'object', 'x-kubernetes-embedded-resource': true },
    ],
    ['$ref: Forbidden: $ref is not supported', { ...text, $ref: '#/x' }],
  ])('%s', (refusal, spec) => {
    expect(toldOf(spec).map(line => line.replace(`${schema}.properties[spec].`, ''))).toEqual([refusal])
  })

  test('may say most things', () => {
    expect(
      toldOf({
        type: 'object',
        properties: {
          port: {
            'x-kubernetes-int-or-string': true,
            anyOf: [{ type: 'integer' }, { type: 'string' }],
            pattern: '^[0-9]+%?$',
          },
          note: { ...text, nullable: true },
          labels: { type: 'object', additionalProperties: text },
          any: { 'x-kubernetes-preserve-unknown-fields': true },
          // Only junctors of the whole object must speak of fields that are described.
          loose: { type: 'object', anyOf: [{ properties: { a: { minLength: 1 } } }] },
        },
        oneOf: [{ required: ['port'] }, { required: ['note'] }],
      }),
    ).toEqual([])
  })

  test('leaves the root to what is always there', () => {
    const root = (more: object) =>
      told(crd => {
        Object.assign(crd.spec.versions[0].schema.openAPIV3Schema, more)
        crd.spec.versions[0].subresources = { status: {} }
      })
    expect(root({ nullable: true })).toContain(`${schema}.nullable: Forbidden: nullable cannot be true at the root`)
    const elsewhere = told(crd => {
      crd.spec.versions[0].schema.openAPIV3Schema.allOf = [{ properties: { a: { minLength: 1 } } }]
    })
    expect(elsewhere).toEqual([
      `${schema}.properties[a]: Required value: because it is defined in ${schema}.allOf[0].properties[a]`,
    ])
    expect(root({ additionalProperties: true })[0]).toContain('fields are allowed at the root of the schema')
    expect(root({ properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } } })).toEqual([
      `${schema}.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified`,
    ])
  })
})
