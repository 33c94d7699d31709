import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSigningRequest } from '../base/certificates.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { apiVersionOf, type Kind } from '../models/kind.ts'
import { builtinKinds } from '../models/kinds/index.ts'
import { type Sample, samples } from './testing/samples.ts'
import { startTestServer, type TestServer, type Watching } from './testing/test-server.ts'

// What conformance asks of each kind ("should support … API operations"), and a little more, in one sequence for all.

let server: TestServer
let sampleOf: Record<string, Sample>
beforeAll(async () => {
  server = await startTestServer({ clock: new VirtualClock() })
  sampleOf = samples((await createSigningRequest({ commonName: 'sweep' })).request)
})
afterAll(() => server[Symbol.asyncDispose]())

const merge = { 'content-type': 'application/merge-patch+json' }
// Definitions and APIServices are told elsewhere: the server itself writes their status, at once.
const elsewhere = ['CustomResourceDefinition', 'APIService']
const changeable = builtinKinds.filter(
  kind => (!kind.verbs || kind.verbs.includes('update')) && !elsewhere.includes(kind.kind),
)
const offers = (kind: Kind<any>, verb: 'deletecollection') => !kind.verbs || kind.verbs.includes(verb)

test.each(changeable.map(kind => [`${apiVersionOf(kind)} ${kind.kind}`, kind] as const))(
  '%s is found, made, read, watched, patched, updated, given a status and deleted',
  async (_, kind: Kind<any>) => {
    const sample = sampleOf[`${kind.group}/${kind.version}/${kind.plural}`]!
    const base = `/${kind.group ? `apis/${kind.group}` : 'api'}/${kind.version}`
    const everywhere = `${base}/${kind.plural}?labelSelector=sweep%3Dyes`
    const path = `${base}/${kind.scope === 'Namespaced' ? 'namespaces/default/' : ''}${kind.plural}`
    const selected = `${path}?labelSelector=sweep%3Dyes`
    await expectDiscovered(kind, base)

    const { resourceVersion } = (await server.call('GET', selected)).body.metadata
    const watching = await server.watch(`${selected}&watch=true&resourceVersion=${resourceVersion}`)
    const made = await make(path, sample)
    const name = made[0].metadata.name
    const one = `${path}/${name}`
    expect((await server.call('GET', selected)).body.items).toHaveLength(3)
    expect((await server.call('GET', everywhere)).body.items).toHaveLength(3)
    for (const object of made) expect(await nextOf(watching, object)).toEqual({ type: 'ADDED', object })

    const before = (await server.call('GET', one)).body
    const patched = await ok('PATCH', one, { metadata: { annotations: { patched: 'true' } } }, merge)
    const updated = await ok('PUT', one, annotated(patched, 'updated'))
    expect(updated.metadata.annotations).toMatchObject({ patched: 'true', updated: 'true' })
    const stale = await server.call('PUT', one, annotated(before, 'stale'))
    expect([stale.status, stale.body.reason]).toEqual([409, 'Conflict'])
    for (const object of [patched, updated])
      expect(await nextOf(watching, object)).toEqual({ type: 'MODIFIED', object })

    if (kind.subresources?.includes('status')) await expectStatus(kind, one, sample, watching)
    else expect((await server.call('GET', `${one}/status`)).status).toBe(404)

    await expectDeleted(kind, path, selected, name)
    watching.end()
  },
)

async function ok(method: string, url: string, body?: unknown, headers?: Record<string, string>) {
  const answer = await server.call(method, url, body, headers)
  expect(answer.status, answer.body.message).toBe(method === 'POST' ? 201 : 200)
  return answer.body
}

const annotated = (object: any, key: string) => ({
  ...object,
  metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, [key]: 'true' } },
})

async function make(path: string, sample: Sample): Promise<any[]> {
  const made = []
  for (const i of [0, 1, 2]) {
    const body = { metadata: { name: `sweep-${i}`, labels: { sweep: 'yes' } }, ...sample.body }
    made.push(await ok('POST', path, body))
    expect((await server.call('POST', path, body)).body).toMatchObject({ code: 409, reason: 'AlreadyExists' })
  }
  return made
}

/** The event about this state of the object: others write too. */
async function nextOf(watching: Watching, object: any): Promise<any> {
  for (;;) {
    const event = await watching.next()
    if (!event || event.object.metadata.resourceVersion === object.metadata.resourceVersion) return event
  }
}

async function expectDiscovered(kind: Kind<any>, base: string): Promise<void> {
  const { resources } = (await server.call('GET', base)).body
  const main = resources.find((r: any) => r.name === kind.plural)
  expect(main).toMatchObject({ kind: kind.kind, namespaced: kind.scope === 'Namespaced' })
  expect(main.verbs).toEqual(expect.arrayContaining(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']))
  for (const part of kind.subresources ?? [])
    expect(resources.map((r: any) => r.name)).toContain(`${kind.plural}/${part}`)
}

/** Status is written by its own path alone, and that path writes nothing else but labels and annotations. */
async function expectStatus(kind: Kind<any>, one: string, { status }: Sample, watching: Watching): Promise<void> {
  const before = await ok('GET', `${one}/status`)
  expect(before).toEqual((await server.call('GET', one)).body)
  const metadata = { annotations: { patchedstatus: 'true' } }
  const patched = await ok('PATCH', `${one}/status`, { metadata, status }, merge)
  const annotates = kind.statusMarks?.includes('annotations') ?? true
  expect(patched).toMatchObject(annotates ? { metadata, status } : { status })
  const updated = await ok('PUT', `${one}/status`, { ...annotated(patched, 'updatedstatus'), spec: before.spec })
  const annotations = { ...before.metadata.annotations, patchedstatus: 'true', updatedstatus: 'true' }
  expect(updated.metadata.annotations).toEqual(annotates ? annotations : before.metadata.annotations)
  expect([updated.spec, updated.status]).toEqual([before.spec, patched.status])
  const main = await ok('PUT', one, { ...updated, status: {} })
  expect(main.status).toEqual(updated.status)
  // What changes nothing is no event.
  const told = annotates ? [patched, updated] : [patched].filter(p => !isDeepStrictEqual(p, before))
  for (const object of told) expect(await nextOf(watching, object)).toEqual({ type: 'MODIFIED', object })
}

async function expectDeleted(kind: Kind<any>, path: string, selected: string, name: string): Promise<void> {
  const options = { gracePeriodSeconds: 0, preconditions: { uid: 'another' } }
  const refused = await server.call('DELETE', `${path}/${name}`, options)
  expect([refused.status, refused.body.reason]).toEqual([409, 'Conflict'])
  const answer = await server.call('DELETE', `${path}/${name}`, { gracePeriodSeconds: 0 })
  expect(answer.status).toBe(200)
  if (offers(kind, 'deletecollection')) {
    expect((await server.call('DELETE', selected, { gracePeriodSeconds: 0 })).status).toBe(200)
    const left = (await server.call('GET', selected)).body.items
    // What has finalizers waits for those who put them there.
    expect(left.every((o: any) => o.metadata.deletionTimestamp && o.metadata.finalizers.length)).toBe(true)
  }
  const gone = await server.call('GET', `${path}/${name}`)
  if (gone.status !== 200) expect([gone.status, gone.body.reason]).toEqual([404, 'NotFound'])
}
