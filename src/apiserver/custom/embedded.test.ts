import { expect, test } from 'vitest'
import { startTestServer } from '../testing/test-server.ts'

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const things = '/apis/example.com/v1/namespaces/default/things'

test('metadata of what is embedded is pruned in defaults, and told where it is of a wrong type', async () => {
  await using server = await startTestServer()
  const embedded = {
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    'x-kubernetes-preserve-unknown-fields': true,
  }
  const filled = { apiVersion: 'v1', kind: 'Foo', metadata: { name: 'bar', unknown: 'x' }, more: 1 }
  const named = { name: { type: 'string', default: 'bar' }, unknown: { type: 'string', default: 'x' } }
  const properties = {
    whole: { ...embedded, default: filled },
    around: { type: 'object', properties: { inner: embedded }, default: { inner: filled } },
    embedding: { ...embedded, properties: { metadata: { type: 'object', default: filled.metadata } } },
    fields: { ...embedded, properties: { metadata: { type: 'object', properties: named } } },
    given: embedded,
  }
  const watching = await server.watch(`${crds}?watch=1`)
  await server.call('POST', crds, {
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'things', kind: 'Thing' },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } } },
      ],
    },
  })
  for (;;) if ((await watching.next()).object.status.conditions?.some((c: any) => c.type === 'Established')) break
  watching.end()
  const thing = (given: object) => ({
    ...{ apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'a' } },
    given: { apiVersion: 'v1', kind: 'Foo', ...given },
  })
  const { metadata: _, ...without } = filled
  const given = { ...thing({}), embedding: without, fields: { ...without, metadata: {} } }
  const { body } = await server.call('POST', things, given)
  const known = { ...filled, metadata: { name: 'bar' } }
  expect([body.whole, body.around, body.embedding, body.fields]).toEqual([known, { inner: known }, known, known])
  const refused = await server.call('POST', things, thing({ metadata: { name: 'b', namespace: 42 } }))
  expect([refused.status, refused.body.message]).toEqual([
    400,
    'Thing in version "v1" cannot be handled as a Thing: given.metadata: Invalid value: map[string]interface {}{"name":"b", "namespace":42}: json: cannot unmarshal number into Go struct field ObjectMeta.namespace of type string',
  ])
})
