import { describe, expect, onTestFinished, test } from 'vitest'
import { openMemoryStore } from '../../db/index.ts'
import { startOutsideServer } from '../testing/outside-server.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'
import { cronTab } from './testing/cron-tab.ts'
import { define, until } from './testing/define.ts'

const group = 'v.example.com'
const crd = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/crontabs.${group}`
const url = (version: string, name = '') => `/apis/${group}/${version}/namespaces/default/crontabs${name && `/${name}`}`
const object = (version: string, name: string, spec: object) => ({
  apiVersion: `${group}/${version}`,
  kind: 'CronTab',
  metadata: { name },
  spec,
})
const schema = (properties: object) => ({
  openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } },
})
const text = { type: 'string' }

/** v1 has `old`, v2 has `now`; both have `both`. */
function twoVersions(change: (crd: any) => void = () => {}): any {
  return cronTab(made => {
    made.metadata.name = `crontabs.${group}`
    made.spec.group = group
    made.spec.versions = [
      { name: 'v1', served: true, storage: true, schema: schema({ old: text, both: text }) },
      { name: 'v2', served: true, storage: false, schema: schema({ now: text, both: text }) },
    ]
    change(made)
  })
}

async function start(options = {}): Promise<TestServer> {
  const server = await startTestServer(options)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

describe('several versions', () => {
  test('with strategy None each version shows the fields that it knows', async () => {
    const server = await start()
    await define(server, twoVersions())
    await server.call('POST', url('v1'), object('v1', 'a', { old: 'o', both: 'b' }))
    expect((await server.call('GET', url('v2', 'a'))).body).toMatchObject({
      apiVersion: `${group}/v2`,
      spec: { both: 'b' },
    })
    expect((await server.call('GET', url('v2', 'a'))).body.spec).toEqual({ both: 'b' })
    const watching = await server.watch(`${url('v2')}?watch=1`)
    expect((await watching.next()).object).toMatchObject({ apiVersion: `${group}/v2`, kind: 'CronTab' })
    await server.call('POST', url('v2'), object('v2', 'b', { now: 'n', both: 'x' }))
    expect((await watching.next()).object.spec).toEqual({ both: 'x' })
    watching.end()
    const list = (await server.call('GET', url('v1'))).body.items
    expect(list.map((i: any) => [i.apiVersion, i.metadata.name, i.spec])).toEqual([
      [`${group}/v1`, 'a', { old: 'o', both: 'b' }],
      [`${group}/v1`, 'b', { both: 'x' }],
    ])
  })

  test('objects stored in an older version are read in the new one, and are written in it next time', async () => {
    const server = await start()
    await define(server, twoVersions())
    const { body: first } = await server.call('POST', url('v1'), object('v1', 'a', { both: 'b' }))
    const patch = [
      { op: 'replace', path: '/spec/versions/0/storage', value: false },
      { op: 'replace', path: '/spec/versions/1/storage', value: true },
      {
        op: 'add',
        path: '/spec/versions/1/schema/openAPIV3Schema/properties/spec/properties/now/default',
        value: 'fresh',
      },
    ]
    const changed = await server.call('PATCH', crd, patch, { 'content-type': 'application/json-patch+json' })
    expect(changed.body.status.storedVersions).toEqual(['v1', 'v2'])
    const v2 = (await server.call('GET', url('v2', 'a'))).body
    expect(v2.metadata.resourceVersion).toBe(first.metadata.resourceVersion)
    expect(v2.spec).toEqual({ both: 'b' })
    // A write that changes nothing brings it into the version of now, defaults included.
    const again = (await server.call('PUT', url('v2', 'a'), v2)).body
    expect(again.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion)
    expect(again.spec).toEqual({ both: 'b', now: 'fresh' })
    expect((await server.call('PUT', url('v2', 'a'), again)).body.metadata.resourceVersion).toBe(
      again.metadata.resourceVersion,
    )
    const dropped = await server.call('PATCH', crd, [{ op: 'remove', path: '/spec/versions/0' }], {
      'content-type': 'application/json-patch+json',
    })
    expect(dropped.body.message).toContain(
      'status.storedVersions[0]: Invalid value: "v1": must appear in spec.versions',
    )
  })

  test('a default that comes later is shown for objects that are stored without it', async () => {
    const server = await start()
    await define(server, twoVersions())
    await server.call('POST', url('v1'), object('v1', 'a', { both: 'b' }))
    const path = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/old/default'
    await server.call('PATCH', crd, [{ op: 'add', path, value: 'later' }], {
      'content-type': 'application/json-patch+json',
    })
    expect((await server.call('GET', url('v1', 'a'))).body.spec).toEqual({ both: 'b', old: 'later' })
    expect((await server.call('GET', url('v1'))).body.items[0].spec).toEqual({ both: 'b', old: 'later' })
  })

  test('after a restart they are served before anybody can ask', async () => {
    const store = await openMemoryStore()
    const server = await startTestServer({ store })
    await define(server, twoVersions())
    await server.call('POST', url('v1'), object('v1', 'a', { both: 'b' }))
    await server.api.close()
    const again = await start({ store })
    expect((await again.call('GET', url('v2', 'a'))).body.spec).toEqual({ both: 'b' })
  })

  test('what a definition has not added is no page, as below no group at all', async () => {
    const server = await start()
    await define(server, twoVersions())
    for (const path of [`/apis/${group}/v9`, url('v9'), url('v1').replace(/crontabs$/, 'others')]) {
      const { status, body } = await server.call('GET', path)
      expect([path, status, body]).toEqual([path, 404, '404 page not found\n'])
    }
    const builtIn = await server.call('GET', '/apis/apps/v9/others')
    expect([builtIn.status, builtIn.body.kind]).toEqual([404, 'Status'])
  })

  test('a deprecated version says so to everybody who uses it, and what to use instead', async () => {
    const server = await start()
    await define(
      server,
      twoVersions(made => (made.spec.versions[0].deprecated = true)),
    )
    const { headers } = await server.call('GET', url('v1'))
    expect(headers['warning']).toEqual([`299 - "${group}/v1 CronTab is deprecated; use ${group}/v2 CronTab"`])
  })
})

describe('a conversion webhook', () => {
  /** Moves the value of `old` to `now` and back, and counts what it is asked. */
  async function converting(change: (answer: any) => void = () => {}) {
    const asked: number[] = []
    const outside = await startOutsideServer('127.0.0.1', (_request, response, body) => {
      const { request } = JSON.parse(body.toString())
      asked.push(request.objects.length)
      const convertedObjects = request.objects.map((o: any) => {
        const { old, now, ...rest } = o.spec ?? {}
        const value = old ?? now
        const spec = request.desiredAPIVersion.endsWith('v2') ? { ...rest, now: value } : { ...rest, old: value }
        return { ...o, apiVersion: request.desiredAPIVersion, spec }
      })
      const answer = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'ConversionReview',
        response: { uid: request.uid, result: { status: 'Success' }, convertedObjects },
      }
      change(answer)
      response.end(JSON.stringify(answer))
    })
    const server = await start()
    onTestFinished(() => outside[Symbol.asyncDispose]())
    const clientConfig = { url: `https://127.0.0.1:${outside.port}/`, caBundle: outside.caBundle }
    await define(
      server,
      twoVersions(made => {
        made.spec.conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig } }
      }),
    )
    return { server, asked }
  }

  test('converts what is written, read, listed and watched, a list at once', async () => {
    const { server, asked } = await converting()
    const made = await server.call('POST', url('v2'), object('v2', 'a', { now: 'n', both: 'b' }))
    expect(made.body.spec).toEqual({ now: 'n', both: 'b' })
    expect((await server.call('GET', url('v1', 'a'))).body.spec).toEqual({ old: 'n', both: 'b' })
    await server.call('POST', url('v1'), object('v1', 'b', { old: 'o' }))
    const watching = await server.watch(`${url('v2')}?watch=1`)
    const seen = [await watching.next(), await watching.next()]
    expect(seen.map(e => [e.type, e.object.apiVersion, e.object.spec.now])).toEqual([
      ['ADDED', `${group}/v2`, 'n'],
      ['ADDED', `${group}/v2`, 'o'],
    ])
    await server.call(
      'PATCH',
      url('v2', 'b'),
      { spec: { now: 'p' } },
      { 'content-type': 'application/merge-patch+json' },
    )
    expect((await server.call('GET', url('v1', 'b'))).body.spec).toEqual({ old: 'p' })
    await server.call('DELETE', url('v1', 'b'))
    const last = [await watching.next(), await watching.next()]
    expect(last.map(e => [e.type, e.object.spec.now])).toEqual([
      ['MODIFIED', 'p'],
      ['DELETED', 'p'],
    ])
    watching.end()
    asked.length = 0
    await server.call('POST', url('v1'), object('v1', 'c', { old: 'c' }))
    const list = (await server.call('GET', url('v2'))).body.items
    expect(list.map((i: any) => i.spec.now)).toEqual(['n', 'c'])
    expect(asked).toEqual([1])
  })

  test('shows who writes what is stored: what it loses is lost', async () => {
    const { server } = await converting(answer => {
      for (const o of answer.response.convertedObjects) if ('old' in o.spec) delete o.spec.both
    })
    const made = await server.call('POST', url('v2'), object('v2', 'a', { now: 'n', both: 'b' }))
    expect(made.body.spec).toEqual({ now: 'n' })
    const merged = { spec: { now: 'm', both: 'c' } }
    const patched = await server.call('PATCH', url('v2', 'a'), merged, {
      'content-type': 'application/merge-patch+json',
    })
    expect(patched.body.spec).toEqual({ now: 'm' })
    // A dry run tells the same.
    const dry = await server.call('POST', `${url('v2')}?dryRun=All`, object('v2', 'b', { now: 'n', both: 'b' }))
    expect([dry.status, dry.body.apiVersion, dry.body.spec]).toEqual([201, `${group}/v2`, { now: 'n' }])
    const dryPatched = await server.call('PATCH', `${url('v2', 'a')}?dryRun=All`, merged, {
      'content-type': 'application/merge-patch+json',
    })
    expect([dryPatched.status, dryPatched.body.spec]).toEqual([200, { now: 'm' }])
    expect((await server.call('GET', url('v2', 'a'))).body.spec).toEqual({ now: 'm' })
    expect((await server.call('DELETE', url('v2', 'a'))).body.status).toBe('Success')
  })

  test('shows what owners by other versions own: the same field by another name is shared, taken over and removed', async () => {
    const { server } = await converting()
    const apply = (version: string, who: string, spec: object, force = '') =>
      server.call(
        'PATCH',
        `${url(version, 'a')}?fieldManager=${who}${force}`,
        { ...object(version, 'a', spec), metadata: { name: 'a', labels: { l: who } } },
        { 'content-type': 'application/apply-patch+yaml' },
      )
    const specs = ({ body }: { body: any }) =>
      Object.fromEntries(body.metadata.managedFields.map((e: any) => [e.manager, e.fieldsV1['f:spec']]))
    await apply('v1', 'me', { old: '1', both: 'b' })
    // The same applier by the other version: what was `old` is `now`.
    const again = await apply('v2', 'me', { now: '2', both: 'b' })
    expect([again.status, specs(again)]).toEqual([200, { me: { 'f:both': {}, 'f:now': {} } }])
    const other = await apply('v1', 'other', { old: '3' })
    expect([other.status, other.body.details.causes.map((c: any) => c.field)]).toEqual([
      409,
      ['.metadata.labels.l', '.spec.now'],
    ])
    expect(specs(await apply('v1', 'other', { old: '3' }, '&force=true'))).toEqual({
      me: { 'f:both': {} },
      other: { 'f:old': {} },
    })
    const plain = await server.call(
      'PATCH',
      `${url('v2', 'a')}?fieldManager=plain`,
      { spec: { now: '4' } },
      { 'content-type': 'application/merge-patch+json' },
    )
    expect(specs(plain)).toEqual({ me: { 'f:both': {} }, other: undefined, plain: { 'f:now': {} } })
    // Who said it in the one version and says it no longer in the other takes it out.
    const url2 = (version: string) => `${url(version, 'b')}?fieldManager=me`
    const type = { 'content-type': 'application/apply-patch+yaml' }
    await server.call('PATCH', url2('v1'), object('v1', 'b', { old: '1', both: 'b' }), type)
    expect((await server.call('PATCH', url2('v2'), object('v2', 'b', { both: 'b' }), type)).body.spec).toEqual({
      both: 'b',
    })
  })

  const of = (message: string) => `conversion webhook for ${group}/v1, Kind=CronTab ${message}`
  const each = (change: (o: any) => void) => (answer: any) => answer.response.convertedObjects.forEach(change)
  test.each<[string, (answer: any) => void, string]>([
    ['name', each(o => (o.metadata.name = 'other')), 'returned invalid object: must have the same name: a != other'],
    [
      'version',
      each(o => (o.apiVersion = 'a/v1')),
      `returned invalid object at index 0: invalid groupVersion (expected ${group}/v2, received a/v1)`,
    ],
    [
      'kind',
      each(o => (o.kind = 'Tab')),
      'returned invalid object at index 0: invalid kind (expected CronTab, received Tab)',
    ],
    [
      'labels',
      each(o => (o.metadata.labels = { a: 5 })),
      'returned invalid metadata: metadata.labels[a] must be a string, but is number in converted object',
    ],
    ['metadata', each(o => delete o.metadata), 'returned invalid metadata: missing metadata in converted object'],
    ['number', answer => answer.response.convertedObjects.pop(), 'returned 0 objects, expected 1'],
    ['question', answer => (answer.response.uid = 'other'), 'failed: expected response.uid="<uid>", got "other"'],
    [
      'form',
      answer => Object.assign(answer, { apiVersion: undefined, kind: undefined }),
      'failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=',
    ],
    ['result', answer => (answer.response.result = { status: 'Failure', message: 'no' }), 'failed: no'],
    ['success', answer => (answer.response.result = {}), "failed: response.result.status was '', not 'Success'"],
  ])('that answers with another %s is not believed', async (_what, change, message) => {
    const { server } = await converting(change)
    await server.call('POST', url('v1'), object('v1', 'a', { old: 'o' }))
    const read = await server.call('GET', url('v2', 'a'))
    const said = read.body.message.replace(/uid="[^"]*"/, 'uid="<uid>"')
    expect([read.status, read.body.reason, said]).toEqual([500, undefined, of(message)])
    const dry = await server.call('POST', `${url('v2')}?dryRun=All`, object('v2', 'b', { now: 'o' }))
    expect([dry.status, dry.body.message]).toEqual([500, expect.stringContaining('conversion webhook for')])
    expect((await server.call('GET', url('v1', 'a'))).status).toBe(200)
  })

  test('that changes one object of a list says which', async () => {
    const { server } = await converting(answer => {
      if (answer.response.convertedObjects[1]) answer.response.convertedObjects[1].metadata.uid = 'u'
    })
    for (const name of ['a', 'b']) await server.call('POST', url('v1'), object('v1', name, { old: 'o' }))
    const { body } = await server.call('GET', url('v2'))
    expect(body.message).toMatch(/ returned invalid converted object at index 1: must have the same UID: \S+ != u$/)
  })
})

describe('the end of a definition', () => {
  test('comes after its objects, which wait for their own finalizers', async () => {
    const server = await start()
    await define(server, twoVersions())
    await server.call('POST', url('v1'), object('v1', 'a', {}))
    await server.call('POST', url('v1'), {
      ...object('v1', 'b', {}),
      metadata: { name: 'b', finalizers: ['x.example.com/y'] },
    })
    const deleted = await server.call('DELETE', crd)
    expect(deleted.body.metadata.finalizers).toEqual(['customresourcecleanup.apiextensions.k8s.io'])
    const name = `crontabs.${group}`
    await until(server, name, seen =>
      seen?.status.conditions.some((c: any) => c.reason === 'InstanceDeletionInProgress'),
    )
    expect((await server.call('GET', url('v1'))).body.items.map((i: any) => i.metadata.name)).toEqual(['b'])
    expect((await server.call('POST', url('v1'), object('v1', 'c', {}))).status).toBe(405)
    await server.call(
      'PATCH',
      url('v1', 'b'),
      { metadata: { finalizers: null } },
      { 'content-type': 'application/merge-patch+json' },
    )
    await until(server, name, seen => seen === undefined)
    expect((await server.call('GET', url('v1'))).status).toBe(404)
    expect((await server.call('GET', `/apis/${group}`)).status).toBe(404)
    // The same names may come again, otherwise.
    await define(
      server,
      twoVersions(made => (made.spec.scope = 'Cluster')),
    )
    const cluster = `/apis/${group}/v1/crontabs`
    expect((await server.call('POST', cluster, object('v1', 'a', {}))).status).toBe(201)
    expect((await server.call('GET', cluster)).body.items).toHaveLength(1)
  })

  test('frees names that another one waits for', async () => {
    const server = await start()
    await define(server, twoVersions())
    const rival = twoVersions(made => {
      made.metadata.name = `others.${group}`
      Object.assign(made.spec.names, { plural: 'others', shortNames: ['ct'] })
    })
    await server.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', rival)
    const refused = await until(server, `others.${group}`, seen => seen?.status.conditions?.length > 1)
    expect(refused.status.conditions.map((c: any) => [c.type, c.status, c.reason, c.message])).toEqual([
      ['NamesAccepted', 'False', 'ListKindConflict', '"CronTabList" is already in use'],
      ['Established', 'False', 'NotAccepted', 'not all names are accepted'],
    ])
    expect((await server.call('GET', `/apis/${group}/v1`)).body.resources).toHaveLength(1)
    await server.call('DELETE', crd)
    await until(server, `others.${group}`, seen => seen?.status.conditions.every((c: any) => c.status === 'True'))
    expect((await server.call('GET', `/apis/${group}/v1`)).body.resources[0].name).toBe('others')
  })
})
