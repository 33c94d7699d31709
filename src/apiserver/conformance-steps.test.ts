import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthority, createSigningRequest } from '../base/certificates.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import { cronTab } from './custom/testing/cron-tab.ts'
import { define } from './custom/testing/define.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

// Steps of conformance that are of one kind only; what all kinds share is in api-operations.test.ts.

const clock = new VirtualClock()
let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ clock })
})
afterAll(() => server[Symbol.asyncDispose]())

const ns = '/api/v1/namespaces/default'
const types = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
}

/** The answer's body, which is no refusal. */
async function ok(method: string, url: string, body?: unknown, type?: keyof typeof types): Promise<any> {
  const answer = await server.call(method, url, body, type ? { 'content-type': types[type] } : {})
  expect(answer.status, `${method} ${url}: ${answer.body.message}`).toBeLessThan(300)
  return answer.body
}
const refusal = async (method: string, url: string, body: unknown) => {
  const { status, body: answer } = await server.call(method, url, body)
  return [status, answer.message]
}

test('a certificate request is approved, given its certificate and told more by three writers', async () => {
  const requests = '/apis/certificates.k8s.io/v1/certificatesigningrequests'
  const { request } = await createSigningRequest({ commonName: 'e2e-example-com' })
  const made = await ok('POST', requests, {
    metadata: { generateName: 'e2e-example-csr-' },
    spec: {
      ...{ request: Buffer.from(request).toString('base64'), signerName: 'example.com/e2e', expirationSeconds: 3600 },
      usages: ['digital signature', 'key encipherment', 'server auth'],
    },
  })
  const one = `${requests}/${made.metadata.name}`
  const condition = (type: string) => ({ type, status: 'True', reason: 'E2E', message: 'Set from a test' })
  const annotated = (key: string, status: object) => ({ metadata: { annotations: { [key]: 'true' } }, status })
  const given = annotated('patchedapproval', { conditions: [condition('ApprovalPatch')] })
  const patched = await ok('PATCH', `${one}/approval`, given, 'merge')
  patched.status.conditions.push(condition('Approved'))
  await ok('PUT', `${one}/approval`, patched)
  const { cert } = await createAuthority('a', clock)
  const certificate = Buffer.from(cert).toString('base64')
  const issued = await ok('PATCH', `${one}/status`, annotated('patchedstatus', { certificate }), 'merge')
  issued.status.conditions.push(condition('StatusUpdate'))
  await ok('PUT', `${one}/status`, issued)
  const { metadata, status } = await ok('GET', `${one}/approval`)
  expect(metadata.annotations).toEqual({ patchedapproval: 'true', patchedstatus: 'true' })
  expect(status.certificate).toBe(certificate)
  expect(status.conditions.map((c: any) => c.type)).toEqual(['ApprovalPatch', 'Approved', 'StatusUpdate'])
  const [code, message] = await refusal('PUT', `${one}/status`, { ...made, status: { certificate } })
  expect(code).toBe(409)
  expect(message).toContain('the object has been modified')
})

test('an event of the newer group is selected by who reports it in both groups, and may get a series', async () => {
  const events = '/apis/events.k8s.io/v1/namespaces/default/events'
  const said = { note: 'a test', action: 'Do', reason: 'Test', type: 'Normal', regarding: { namespace: 'default' } }
  const reporter = { reportingController: 'test-controller', reportingInstance: 'test-node' }
  const eventTime = '2017-09-19T13:49:16.000000Z'
  await ok('POST', events, { metadata: { name: 'event-test' }, ...said, ...reporter, eventTime })
  const names = async (url: string) => (await ok('GET', url)).items.map((item: any) => item.metadata.name)
  expect(await names(`${ns}/events?fieldSelector=source%3Dtest-controller`)).toEqual(['event-test'])
  expect(await names(`${events}?fieldSelector=reportingController%3Dtest-controller`)).toEqual(['event-test'])
  expect(await names(`${events}?fieldSelector=reportingController%3Danother`)).toEqual([])
  const lastObservedTime = '2017-09-19T13:49:11.000000Z'
  const patched = await ok('PATCH', `${events}/event-test`, { series: { count: 2, lastObservedTime } }, 'strategic')
  expect(patched.series).toEqual({ count: 2, lastObservedTime })
  const series = { count: 100, lastObservedTime }
  await ok('PUT', `${events}/event-test`, { ...patched, series })
  expect(await ok('GET', `${ns}/events/event-test`)).toMatchObject({ message: 'a test', series, eventTime })
  expect(await refusal('PUT', `${events}/event-test`, { ...patched, action: 'Other' })).toEqual([
    409,
    expect.anything(),
  ])
})

test('a namespace takes a finalizer by its own path, and loses it again', async () => {
  const made = await ok('POST', '/api/v1/namespaces', { metadata: { name: 'finalized' } })
  const finalizers = ['kubernetes', 'e2e.example.com/fakeFinalizer']
  const url = '/api/v1/namespaces/finalized'
  const held = await ok('PUT', `${url}/finalize`, { ...made, spec: { finalizers } })
  expect(held.spec.finalizers).toEqual(finalizers)
  expect((await ok('PUT', url, { ...held, spec: {} })).spec.finalizers).toEqual(finalizers)
  expect((await ok('PUT', `${url}/finalize`, { ...held, spec: made.spec })).spec).toEqual(made.spec)
})

test('a lease may be of any time, to the microsecond', async () => {
  const leases = '/apis/coordination.k8s.io/v1/namespaces/default/leases'
  const spec = {
    ...{ holderIdentity: 'holder', leaseDurationSeconds: 30, leaseTransitions: 0 },
    ...{ acquireTime: '0001-01-01T00:00:02.000000Z', renewTime: '0001-01-01T00:00:05.000001Z' },
  }
  expect((await ok('POST', leases, { metadata: { name: 'lease' }, spec })).spec).toEqual(spec)
  const next = { holderIdentity: 'holder2', leaseTransitions: 1, acquireTime: '0001-01-01T00:00:40.000000Z' }
  expect((await ok('PATCH', `${leases}/lease`, { spec: next }, 'strategic')).spec).toEqual({ ...spec, ...next })
})

test('the value of a priority class stands, its other fields do not', async () => {
  const classes = '/apis/scheduling.k8s.io/v1/priorityclasses'
  const made = await ok('POST', classes, { metadata: { name: 'p1' }, value: 1 })
  expect(await refusal('PUT', `${classes}/p1`, { ...made, value: 10 })).toEqual([
    422,
    'PriorityClass.scheduling.k8s.io "p1" is invalid: value: Forbidden: may not be changed in an update.',
  ])
  expect((await ok('PATCH', `${classes}/p1`, { description: 'd' }, 'merge')).description).toBe('d')
})

test('a scale is read, put without a version, and patched in every way', async () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const controller = { metadata: { name: 'rc' }, spec: { replicas: 1, selector: { a: 'b' }, template } }
  await ok('POST', `${ns}/replicationcontrollers`, controller)
  const scale = `${ns}/replicationcontrollers/rc/scale`
  const read = await ok('GET', scale)
  expect(read).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { replicas: 0, selector: 'a=b' } })
  const { resourceVersion: _, ...metadata } = read.metadata
  expect((await ok('PUT', scale, { ...read, metadata, spec: { replicas: 2 } })).spec).toEqual({ replicas: 2 })
  expect((await ok('PATCH', scale, { spec: { replicas: 3 } }, 'strategic')).spec).toEqual({ replicas: 3 })
  expect((await ok('PATCH', scale, { spec: { replicas: 4 } }, 'merge')).spec).toEqual({ replicas: 4 })
  const operation = { op: 'replace', path: '/spec/replicas', value: 5 }
  expect((await ok('PATCH', scale, [operation], 'json')).spec).toEqual({ replicas: 5 })
})

test("a pod's status is patched with its labels, and ephemeral containers are added to it", async () => {
  await ok('POST', `${ns}/pods`, { metadata: { name: 'pod' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
  const status = { message: 'Patched by a test', reason: 'E2E' }
  const patch = { metadata: { labels: { patched: 'yes' } }, status }
  expect(await ok('PATCH', `${ns}/pods/pod/status`, patch, 'strategic')).toMatchObject(patch)
  const containers = `${ns}/pods/pod/ephemeralcontainers`
  const debug = { name: 'debug', image: 'busybox', command: ['/bin/sh'], stdin: true, tty: true }
  await ok('PATCH', containers, { spec: { ephemeralContainers: [debug] } }, 'strategic')
  const read = await ok('GET', containers)
  read.spec.ephemeralContainers.push({ name: 'debug2', image: 'busybox' })
  const { spec } = await ok('PUT', containers, read)
  expect(spec.ephemeralContainers.map((c: any) => [c.name, c.terminationMessagePolicy])).toEqual([
    ['debug', 'File'],
    ['debug2', 'File'],
  ])
})

test('writers of status change labels and annotations of most kinds, of some not', async () => {
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const set = { metadata: { name: 'marks' }, spec: { selector: { matchLabels: { app: 'x' } }, template } }
  const source = { persistentVolumeName: 'pv' }
  const attachment = { metadata: { name: 'marks' }, spec: { attacher: 'a.test', nodeName: 'n', source } }
  const sent = { labels: { by: 'status' }, annotations: { by: 'status' } }
  const marksAfter = async (url: string, object: object) => {
    await ok('POST', url, object)
    const { metadata } = await ok('PATCH', `${url}/marks/status`, { metadata: sent, status: {} }, 'merge')
    return { labels: metadata.labels, annotations: metadata.annotations }
  }
  const apps = '/apis/apps/v1/namespaces/default'
  expect(await marksAfter(`${apps}/replicasets`, set)).toEqual(sent)
  expect(await marksAfter(`${apps}/deployments`, set)).toEqual({ annotations: sent.annotations })
  expect(await marksAfter('/apis/storage.k8s.io/v1/volumeattachments', attachment)).toEqual({})
})

test('a Job or ReplicationController leaves its pods when a deletion does not say what becomes of them', async () => {
  const template = {
    metadata: { labels: { app: 'x' } },
    spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] },
  }
  const always = { ...template, spec: { ...template.spec, restartPolicy: 'Always' } }
  const deleted = async (url: string, spec: object, options?: object) => {
    await ok('POST', url, { metadata: { name: 'left', finalizers: ['example.com/held'] }, spec })
    const { body, headers } = await server.call('DELETE', `${url}/left`, options)
    await ok('PATCH', `${url}/left`, { metadata: { finalizers: null } }, 'merge')
    return [body.metadata.finalizers, headers['warning']]
  }
  const jobs = '/apis/batch/v1/namespaces/default/jobs'
  const warning = [
    expect.stringContaining(
      'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background',
    ),
  ]
  expect(await deleted(jobs, { template })).toEqual([['example.com/held', 'orphan'], warning])
  const missing = await server.call('DELETE', `${jobs}/none`)
  expect([missing.status, missing.headers['warning']]).toEqual([404, warning])
  const background = { propagationPolicy: 'Background' }
  expect(await deleted(jobs, { template }, background)).toEqual([['example.com/held'], undefined])
  expect(await deleted(`${ns}/replicationcontrollers`, { template: always })).toEqual([
    ['example.com/held', 'orphan'],
    undefined,
  ])
  const set = { selector: { matchLabels: { app: 'x' } }, template: always }
  expect(await deleted('/apis/apps/v1/namespaces/default/replicasets', set)).toEqual([['example.com/held'], undefined])
})

test('the store is the component that a server can say something of', async () => {
  const { items } = await ok('GET', '/api/v1/componentstatuses')
  const healthy = { type: 'Healthy', status: 'True', message: 'ok' }
  expect(items).toMatchObject([{ metadata: { name: 'etcd-0' }, conditions: [healthy] }])
  expect(await ok('GET', '/api/v1/componentstatuses/etcd-0')).toMatchObject({ conditions: [healthy] })
  expect((await server.call('GET', '/api/v1/componentstatuses/none')).status).toBe(500)
})

test('fields of an applied custom resource that are there twice, or not at all, are told with their place', async () => {
  await define(
    server,
    cronTab((crd: any) => {
      crd.metadata.name = 'crontabs.steps.example.com'
      crd.spec.group = 'steps.example.com'
      const spec = {
        type: 'object',
        'x-kubernetes-preserve-unknown-fields': true,
        properties: { foo: { type: 'string' } },
      }
      const openAPIV3Schema = { type: 'object', properties: { spec } }
      crd.spec.versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }]
    }),
  )
  const apply = async (lines: string[]) => {
    const head = ['', 'apiVersion: steps.example.com/v1', 'kind: CronTab', 'metadata:', '  name: mytest']
    const url = '/apis/steps.example.com/v1/namespaces/default/crontabs/mytest?fieldManager=m&fieldValidation=Strict'
    const type = { 'content-type': 'application/apply-patch+yaml' }
    return (await server.call('PATCH', url, Buffer.from([...head, ...lines].join('\n')), type)).body
  }
  const finalizers = ['  finalizers:', '  - example.com/test']
  const twice = ['spec:', '  unknown: uk1', '  foo: foo1', '  foo: foo2']
  expect((await apply([...finalizers, ...twice])).message).toContain('line 11: key "foo" already set in map')
  expect((await apply(['unknownField: x'])).message).toContain('.unknownField: field not declared in schema')
  expect((await apply(['  unknownMeta: x'])).message).toContain('.metadata.unknownMeta: field not declared in schema')
  expect((await apply(['spec:', '  unknown: uk1', '  foo: foo1'])).spec).toEqual({ unknown: 'uk1', foo: 'foo1' })
})

test('a list of many is read in chunks of one state, with how many remain', async () => {
  await ok('POST', '/api/v1/namespaces', { metadata: { name: 'chunks' } })
  const templates = '/api/v1/namespaces/chunks/podtemplates'
  const template = { spec: { containers: [{ name: 'test', image: 'test2' }] } }
  const name = (i: number) => `template-${String(i).padStart(4, '0')}`
  const numbers = Array.from({ length: 90 }, (_, i) => i)
  await Promise.all(numbers.map(i => ok('POST', templates, { metadata: { name: name(i) }, template })))
  const seen: string[] = []
  let next = ''
  let version = ''
  do {
    const { metadata, items } = await ok('GET', `${templates}?limit=13${next && `&continue=${next}`}`)
    seen.push(...items.map((item: any) => item.metadata.name))
    expect(metadata.remainingItemCount ?? 0).toBe(90 - seen.length)
    expect(metadata.resourceVersion).toBe((version ||= metadata.resourceVersion))
    await ok('POST', templates, { metadata: { generateName: 'later-' }, template })
    next = metadata.continue ?? ''
  } while (next)
  expect(seen).toEqual(numbers.map(name))
})

test('a kind that has no form as a table says so', async () => {
  const review = { spec: { nonResourceAttributes: { verb: 'get' } } }
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const url = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'
  const { status, body } = await server.call('POST', url, review, { accept })
  expect([status, body.reason]).toEqual([406, 'NotAcceptable'])
})

test('who asks a question owns it', async () => {
  const asked = await server.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews?fieldManager=me', {
    spec: { user: 'x', resourceAttributes: { verb: 'get', resource: 'pods' } },
  })
  const owned = { 'f:resourceAttributes': { '.': {}, 'f:resource': {}, 'f:verb': {} }, 'f:user': {} }
  expect(asked.body.metadata.managedFields).toMatchObject([{ manager: 'me', fieldsV1: { 'f:spec': owned } }])
})
