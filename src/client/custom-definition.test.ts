import { expect, test } from 'vitest'
import { admin, startTestServer } from '../apiserver/testing/test-server.ts'
import { defineKind } from '../models/kind.ts'
import type { KubeObject } from '../models/object.ts'
import { definitionOf, ensureDefinition } from './custom-definition.ts'
import { createClient, inProcessTransport } from './index.ts'

interface Toy extends KubeObject {
  spec: { colour: string; size?: number }
}

test('a kind of one’s own is served once its definition is ensured, and ensured again', async () => {
  await using server = await startTestServer()
  const client = createClient(inProcessTransport(server.api.handler, admin))
  const Toy = defineKind<Toy>({
    group: 'example.com',
    version: 'v1',
    kind: 'Toy',
    plural: 'toys',
    scope: 'Namespaced',
    schema: '',
  })
  const schema = (more: object) => ({
    type: 'object',
    properties: { spec: { type: 'object', properties: { colour: { type: 'string' }, ...more } } },
  })
  await ensureDefinition(client, definitionOf(Toy, schema({})))
  const metadata = { namespace: 'default', name: 'ball' }
  await client.create(Toy, { metadata, spec: { colour: 'red' } })
  await ensureDefinition(client, definitionOf(Toy, schema({ size: { type: 'integer', default: 3 } })))
  expect((await client.get(Toy, metadata)).spec).toEqual({ colour: 'red', size: 3 })
})
