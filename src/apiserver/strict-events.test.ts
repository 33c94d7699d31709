import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const url = (namespace = 'default') => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`
const good = {
  metadata: { name: 'e' },
  eventTime: '2026-01-01T00:00:00.000000Z',
  reportingController: 'x.io/c',
  reportingInstance: 'i',
  action: 'A',
  reason: 'R',
  type: 'Normal',
  note: 'n',
  regarding: { kind: 'Pod', name: 'p', namespace: 'default' },
}
const first = '2026-01-01T00:00:00Z'
const part = `must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`
const subdomain = `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`
const series = ['series.count: Invalid value: "": should be at least 2', 'series.lastObservedTime: Required value']
const long = (field: string, most: number) => `${field}: Invalid value: "": can have at most ${most} characters`
const unset = (field: string) => `${field}: Invalid value: "": needs to be unset`
const elsewhere = (namespace: string) =>
  `involvedObject.namespace: Invalid value: "${namespace}": does not match event.namespace`

/** The status, and what it says after whose refusal it is, without its list. */
function said({ status, body }: { status: number; body: any }): [number, ...string[]] {
  if (status < 300) return [status]
  return [status, ...body.details.causes.map((cause: any) => `${cause.field}: ${cause.message}`)]
}

test.each<[changes: object, answer: string[], namespace?: string]>([
  [{}, []],
  [{ eventTime: undefined }, ['eventTime: Required value']],
  [{ eventTime: undefined }, [elsewhere('default'), 'eventTime: Required value'], 'kube-system'],
  [
    { reportingController: undefined },
    [
      'reportingController: Required value',
      'reportingController: Invalid value: "": name part must be non-empty',
      `reportingController: Invalid value: "": name part ${part}`,
    ],
  ],
  [{ reportingController: 'a b' }, [`reportingController: Invalid value: "a b": name part ${part}`]],
  [{ reportingInstance: undefined }, ['reportingInstance: Required value']],
  [{ reportingInstance: 'x'.repeat(129) }, [long('reportingInstance', 128)]],
  [{ action: undefined }, ['action: Required value']],
  [{ action: 'x'.repeat(129) }, [long('action', 128)]],
  [{ reason: undefined }, ['reason: Required value']],
  [{ reason: 'x'.repeat(129) }, [long('reason', 128)]],
  [{ note: 'x'.repeat(1025) }, [long('message', 1024)]],
  [{ note: 'é'.repeat(600) }, [long('message', 1024)]],
  [{ type: undefined }, ['type: Invalid value: "": has invalid value: ']],
  [{ type: 'X' }, ['type: Invalid value: "": has invalid value: X']],
  [{ deprecatedCount: 1 }, [unset('count')]],
  [{ deprecatedFirstTimestamp: first }, [unset('firstTimestamp')]],
  [{ deprecatedLastTimestamp: first }, [unset('lastTimestamp')]],
  [{ deprecatedSource: { component: 'c' } }, [unset('source')]],
  [{ deprecatedSource: {} }, []],
  [{ series: { count: 1 } }, series],
  [{ series: { count: 2, lastObservedTime: '2026-01-01T00:00:00.000000Z' } }, []],
  [{ regarding: { kind: 'Pod', name: 'p', namespace: 'other' } }, []],
  [{ regarding: { kind: 'Pod', name: 'p' } }, []],
  [{ regarding: undefined }, []],
  [{ regarding: undefined }, [elsewhere('')], 'kube-public'],
  [{ metadata: { name: 'A_b' } }, [`metadata.name: Invalid value: "A_b": ${subdomain}`]],
  [{ metadata: { name: 'x', labels: { 'a b': 'c' } } }, [`metadata.labels: Invalid value: "a b": name part ${part}`]],
  [
    { eventTime: undefined, type: undefined, regarding: { namespace: 'other' } },
    [elsewhere('other'), 'eventTime: Required value', 'type: Invalid value: "": has invalid value: '],
  ],
])('a new event of events.k8s.io with %j is answered %j', async (changes, answer, namespace = 'default') => {
  const made = await server.call('POST', `${url(namespace)}?dryRun=All`, { ...good, ...changes })
  expect(said(made)).toEqual([answer.length ? 422 : 201, ...answer])
})

const fixed = (field: string, value: string) => `${field}: Invalid value: ${value}: field is immutable`
const reference = (namespace: string, name: string) =>
  `core.ObjectReference{Kind:"Pod", Namespace:"${namespace}", Name:"${name}", UID:"", APIVersion:"", ResourceVersion:"", FieldPath:""}`

test.each<[changes: object, answer: string[]]>([
  [{ note: 'm' }, [fixed('message', '"m"')]],
  [{ reason: 'Q' }, [fixed('reason', '"Q"'), fixed('reason', '"Q"')]],
  [{ reason: null }, ['reason: Required value', fixed('reason', '""'), fixed('reason', '""')]],
  [{ type: 'Warning' }, [fixed('type', '"Warning"')]],
  [{ action: 'B' }, [fixed('action', '"B"')]],
  [{ regarding: { name: 'q' } }, [fixed('involvedObject', reference('default', 'q'))]],
  [{ related: { kind: 'Pod', name: 'q' } }, [fixed('related', reference('', 'q'))]],
  [{ reportingController: 'y.io/c' }, [fixed('reportingController', '"y.io/c"')]],
  [{ reportingInstance: 'j' }, [fixed('reportingInstance', '"j"')]],
  [{ eventTime: '2026-01-01T00:00:01.000000Z' }, [fixed('eventTime', '2026-01-01 00:00:01 +0000 UTC')]],
  [{ eventTime: '2026-01-01T00:00:00.000001Z' }, [fixed('eventTime', '2026-01-01 00:00:00.000001 +0000 UTC')]],
  [{ eventTime: null }, [fixed('eventTime', '0001-01-01 00:00:00 +0000 UTC')]],
  [{ deprecatedCount: 2 }, [fixed('count', '2')]],
  [{ deprecatedSource: { component: 'x' } }, [fixed('source', 'core.EventSource{Component:"x", Host:""}')]],
  [{ deprecatedFirstTimestamp: first }, [fixed('firstTimestamp', '2026-01-01 00:00:00 +0000 UTC')]],
  [{ series: { count: 1 } }, series],
  [{ series: { count: 2, lastObservedTime: '2026-01-01T00:00:00.000000Z' } }, []],
  [{ metadata: { labels: { a: 'b' } } }, []],
])('of an event of events.k8s.io only the series changes: %j is answered %j', async (changes, answer) => {
  await server.call('POST', url(), good)
  const merge = { 'content-type': 'application/merge-patch+json' }
  const changed = await server.call('PATCH', `${url()}/e?dryRun=All`, changes, merge)
  expect(said(changed)).toEqual([answer.length ? 422 : 200, ...answer])
})

test('what was written as an event of core may stay as it is, and is as fixed', async () => {
  const old = { metadata: { name: 'o' }, involvedObject: { namespace: 'default' }, count: 3, related: { kind: 'Pod' } }
  const core = '/api/v1/namespaces/default/events'
  expect((await server.call('POST', core, { ...old, firstTimestamp: first })).status).toBe(201)
  const merge = { 'content-type': 'application/merge-patch+json' }
  const change = async (at: string, changes: object) =>
    said(await server.call('PATCH', `${at}/o?dryRun=All`, changes, merge))
  expect(await change(url(), { metadata: { labels: { a: 'b' } } })).toEqual([200])
  expect(await change(url(), { related: null })).toEqual([422, fixed('related', '"null"')])
  expect(await change(url(), { deprecatedFirstTimestamp: null })).toEqual([
    422,
    fixed('firstTimestamp', '0001-01-01 00:00:00 +0000 UTC'),
  ])
  expect(await change(core, { message: 'another', count: 4 })).toEqual([200])
})

test('an event that is there already is there in the group that was asked', async () => {
  await server.call('POST', url(), good)
  for (const query of ['', '?dryRun=All']) {
    const again = await server.call('POST', url() + query, good)
    expect([again.status, again.body.message]).toEqual([409, 'events.events.k8s.io "e" already exists'])
    expect(again.body.details).toEqual({ name: 'e', group: 'events.k8s.io', kind: 'events' })
  }
})
