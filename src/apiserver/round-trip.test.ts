import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseJson } from '../models/json.ts'
import type { Kind } from '../models/kind.ts'
import { builtinKinds } from '../models/kinds/index.ts'
import { decodeProtobuf, encodeProtobuf, hasProtobuf } from '../models/protobuf/index.ts'
import { decode, typeNamed } from '../models/schema/index.ts'
import { arbitraryObject } from '../models/testing/arbitrary.ts'
import { encodeObject } from './storage/object-bytes.ts'
import { admin, startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const protobuf = 'application/vnd.kubernetes.protobuf'
const storedKinds = builtinKinds.filter(k => !k.storedAs && !k.verbs && hasProtobuf(k.schema))

async function get(url: string, accept: string): Promise<Uint8Array> {
  const { signal } = new AbortController()
  const reply = await server.api.handler({ method: 'GET', url, headers: { accept }, user: admin, signal })
  return reply.body as Uint8Array
}

test.each(storedKinds.map(kind => [kind.schema, kind] as const))(
  '%s: what came as protobuf is stored, read as JSON and as protobuf without loss',
  async (_, kind: Kind<any>) => {
    const resource = server.api.core.resources.of(kind)
    const place = resource.namespaced ? 'trip/' : ''
    const base = `/${kind.group ? `apis/${kind.group}` : 'api'}/${kind.version}`
    const path = `${base}/${resource.namespaced ? 'namespaces/trip/' : ''}${kind.plural}`
    const bodies = fc.sample(arbitraryObject(typeNamed(kind.schema)), { numRuns: 4, seed: 1 })
    for (const [i, body] of bodies.entries()) {
      const named = { ...(body as object), metadata: { ...(body as any).metadata, name: `o${i}` } }
      const sent = decode(kind, named).object
      sent.metadata.resourceVersion = undefined as never
      if (resource.namespaced) sent.metadata.namespace = 'trip'
      const wire = decodeProtobuf(encodeProtobuf(sent)).value
      const key = `${resource.prefix}${place}o${i}`
      const revision = await server.store.commit([{ key, value: encodeObject(decode(kind, wire).object) }], new Map())
      await server.api.core.cache.reached(Number(revision))

      const json = parseJson(await get(`${path}/o${i}`, 'application/json'), { exactIntegers: true }).value
      const binary = decodeProtobuf(await get(`${path}/o${i}`, protobuf)).value
      const expected = { ...sent, metadata: { ...sent.metadata, resourceVersion: String(revision) } }
      expect(decode(kind, json).object).toEqual(decode(kind, expected).object)
      expect(decode(kind, binary).object).toEqual(decode(kind, json).object)
    }
  },
)

const pods = '/api/v1/namespaces/default/pods'
const podWith = (seconds: string) =>
  `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"terminationGracePeriodSeconds":${seconds},"containers":[{"name":"c","image":"i","resources":{"limits":{"memory":"9007199254740993","cpu":"1.5"}}}]}}`

test.each([
  ['JSON', 'application/json', podWith],
  [
    'YAML',
    'application/yaml',
    (seconds: string) =>
      `metadata: {name: p}\nspec:\n  terminationGracePeriodSeconds: ${seconds}\n  containers: [{name: c, image: i}]\n`,
  ],
  [
    'protobuf',
    protobuf,
    (seconds: string) => encodeProtobuf(parseJson(podWith(seconds), { exactIntegers: true }).value as object),
  ],
] as const)(
  'an int64 beyond 2^53 that came as %s is kept exactly, through an update and a patch',
  async (_, type, body) => {
    const raw = async (method: string, url: string, content: string | Uint8Array, contentType: string) => {
      const { signal } = new AbortController()
      const reply = await server.api.handler({
        method,
        url,
        headers: { 'content-type': contentType },
        body: Buffer.from(content),
        user: admin,
        signal,
      })
      return Buffer.from(reply.body as Uint8Array).toString()
    }
    const big = '9007199254740993'
    expect(await raw('POST', pods, body(big), type)).toContain(`"terminationGracePeriodSeconds":${big}`)
    const labelled = await raw(
      'PATCH',
      `${pods}/p`,
      '{"metadata":{"labels":{"a":"b"}}}',
      'application/merge-patch+json',
    )
    expect(labelled).toContain(`"terminationGracePeriodSeconds":${big}`)
    expect(await raw('PUT', `${pods}/p`, labelled, 'application/json')).toContain(
      `"terminationGracePeriodSeconds":${big}`,
    )
    expect(
      (await get(`${pods}?limit=500`, `${protobuf};q=0.5,application/json;as=Table;g=meta.k8s.io;v=v1`)).length,
    ).toBeGreaterThan(9)
    await server.call('DELETE', `${pods}/p?gracePeriodSeconds=0`)
  },
)
