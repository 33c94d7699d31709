import { describe, expect, test } from 'vitest'
import { commonTexts } from './explained/explained.ts'
import { texts } from './explained/texts.ts'
import { builtinKinds } from './kinds/index.ts'
import { openApiRef, openApiSchemas } from './openapi.ts'

const pod = builtinKinds.filter(kind => kind.kind === 'Pod')
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` })
const { Pod: podTexts, Container: said } = texts['core/v1'] as Record<string, Record<string, string>>
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'

describe('OpenAPI schemas', () => {
  const schemas: Record<string, any> = openApiSchemas(
    pod,
    new Map([
      ['policy/v1.Eviction', { group: 'policy', version: 'v1', kind: 'Eviction' }],
      ['meta/v1.DeleteOptions', undefined],
      ['meta/v1.Status', { group: '', version: 'v1', kind: 'Status' }],
    ]),
  )

  test('are under upstream’s names, with what clients read', () => {
    expect(schemas['io.k8s.api.core.v1.Pod']).toEqual({
      description: podTexts?.[''],
      type: 'object',
      properties: {
        apiVersion: { type: 'string', description: commonTexts.apiVersion },
        kind: { type: 'string', description: commonTexts.kind },
        metadata: { description: commonTexts.metadata, default: {}, allOf: [ref(`${meta}.ObjectMeta`)] },
        spec: { description: podTexts?.['spec'], default: {}, allOf: [ref('io.k8s.api.core.v1.PodSpec')] },
        status: { description: podTexts?.['status'], default: {}, allOf: [ref('io.k8s.api.core.v1.PodStatus')] },
      },
      'x-kubernetes-group-version-kind': [{ group: '', kind: 'Pod', version: 'v1' }],
    })
    const container = schemas['io.k8s.api.core.v1.Container']
    expect(container.required).toEqual(['name'])
    expect(container.properties.name).toEqual({ description: said?.['name'], type: 'string', default: '' })
    expect(container.properties.args).toEqual({
      description: said?.['args'],
      type: 'array',
      items: { type: 'string', default: '' },
      'x-kubernetes-list-type': 'atomic',
    })
    expect(container.properties.ports).toEqual({
      description: said?.['ports'],
      type: 'array',
      items: { default: {}, allOf: [ref('io.k8s.api.core.v1.ContainerPort')] },
      'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'containerPort',
    })
    expect(container.properties.lifecycle).toEqual({
      description: said?.['lifecycle'],
      allOf: [ref('io.k8s.api.core.v1.Lifecycle')],
    })
    expect(container.properties.imagePullPolicy).toEqual({
      description: said?.['imagePullPolicy'],
      type: 'string',
      enum: ['Always', 'IfNotPresent', 'Never'],
    })
    expect(schemas['io.k8s.api.core.v1.PodSpec'].properties.volumes).toMatchObject({
      'x-kubernetes-patch-strategy': 'merge,retainKeys',
      'x-kubernetes-patch-merge-key': 'name',
    })
    expect(schemas['io.k8s.apimachinery.pkg.api.resource.Quantity']).toEqual({
      oneOf: [{ type: 'string' }, { type: 'number' }],
    })
    expect(schemas['io.k8s.api.core.v1.LabelSelector']).toBeUndefined()
    expect(schemas[`${meta}.LabelSelector`]['x-kubernetes-map-type']).toBe('atomic')
    expect(schemas[`${meta}.ManagedFieldsEntry`].properties.fieldsV1).toMatchObject({
      allOf: [ref(`${meta}.FieldsV1`)],
    })
    expect(schemas['io.k8s.api.core.v1.PodList']['x-kubernetes-group-version-kind']).toEqual([
      { group: '', kind: 'PodList', version: 'v1' },
    ])
    const takers = schemas[`${meta}.DeleteOptions`]['x-kubernetes-group-version-kind']
    expect(takers).toHaveLength(61)
    expect(takers.slice(0, 3)).toEqual([
      { group: '', kind: 'DeleteOptions', version: 'v1' },
      { group: 'admission.k8s.io', kind: 'DeleteOptions', version: 'v1' },
      { group: 'admission.k8s.io', kind: 'DeleteOptions', version: 'v1beta1' },
    ])
    // Nobody asked for what watches give.
    expect(schemas).not.toHaveProperty([`${meta}.WatchEvent`])
  })

  test('names that may be left out are empty by default, in the newer form', () => {
    const place = 'io.k8s.api.core.v1.LocalObjectReference'
    const nameIn = (all: Record<string, any>) => all[place].properties.name
    expect(nameIn(schemas).default).toBe('')
    expect('default' in nameIn(openApiSchemas(pod, new Map(), 'v2'))).toBe(false)
  })

  test('what is no kind of each group says which one it is', () => {
    const kindOf = (name: string) => schemas[name]['x-kubernetes-group-version-kind']
    expect(kindOf('io.k8s.api.policy.v1.Eviction')).toEqual([{ group: 'policy', kind: 'Eviction', version: 'v1' }])
    expect(kindOf(`${meta}.Status`)).toEqual([{ group: '', kind: 'Status', version: 'v1' }])
    expect(kindOf(`${meta}.ObjectMeta`)).toBeUndefined()
  })

  test.each(['v3', 'v2'] as const)('every reference of every kind leads somewhere (%s)', form => {
    const all = openApiSchemas(builtinKinds, new Map([['meta/v1.ObjectMeta', undefined]]), form)
    const text = JSON.stringify(all)
    const prefix = form === 'v3' ? '#/components/schemas/' : '#/definitions/'
    const refs = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, name]) => name!))
    expect(refs.size).toBeGreaterThan(400)
    for (const name of refs) {
      expect(name.startsWith(prefix)).toBe(true)
      expect(Object.keys(all)).toContain(name.slice(prefix.length))
    }
    expect(text.includes('"allOf":[{"$ref"')).toBe(form === 'v3')
  })

  test('references', () => {
    expect(openApiRef('core/v1.Pod')).toEqual(ref('io.k8s.api.core.v1.Pod'))
    expect(openApiRef('optiflow/v1.Workload', 'v2')).toEqual({ $ref: '#/definitions/dev.optiflow.v1.Workload' })
    expect(openApiRef('patch')).toEqual(ref(`${meta}.Patch`))
  })
})
