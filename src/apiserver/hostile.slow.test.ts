import { afterAll, beforeAll, expect, test } from 'vitest'
import { beHostile, hostilityText } from './testing/hostility.ts'
import { startTestServer, type TestServer } from './testing/test-server.ts'

let server: TestServer
const logged: object[] = []
beforeAll(async () => {
  const note = (fields: object, message: string) => void logged.push({ ...fields, message })
  const log = { debug() {}, info() {}, warn() {}, error: note, child: () => log }
  server = await startTestServer({ log })
})
afterAll(() => server[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'
const raw = (text: string | Uint8Array) => (typeof text === 'string' ? Buffer.from(text) : text)
const json = { 'content-type': 'application/json' }
const yaml = { 'content-type': 'application/yaml' }
const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' }
const nest = (open: string, close: string, n: number) => open.repeat(n) + close.repeat(n)

test.each<[string, string, string, string | Uint8Array | undefined, Record<string, string>, number, string]>([
  ['broken JSON', 'POST', pods, '{"metadata":', json, 400, 'json parse error: unexpected end of JSON input'],
  ['no body', 'POST', pods, '', json, 400, 'has no body'],
  ['a list for an object', 'POST', pods, '[]', json, 400, ''],
  ['a number for an object', 'POST', pods, '7', json, 400, ''],
  ['null', 'POST', pods, 'null', json, 400, ''],
  ['deep JSON', 'POST', pods, `{"metadata":${nest('{"a":', '}', 5000).replace('}', '1}')}}`, json, 400, 'nested'],
  ['deep lists', 'POST', pods, nest('[', ']', 100_000), json, 400, 'nested'],
  ['bytes that are no UTF-8', 'POST', pods, Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), json, 400, 'UTF-8'],
  ['broken YAML', 'POST', pods, 'a: [b', yaml, 400, 'not valid YAML'],
  [
    'YAML that explodes',
    'POST',
    pods,
    'a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c]',
    yaml,
    400,
    '',
  ],
  ['broken protobuf', 'POST', pods, 'k8s\0\x0a\xff\xff\xff', protobuf, 400, 'protobuf'],
  ['protobuf without its magic', 'POST', pods, 'hello', protobuf, 400, 'protobuf envelope'],
  ['another kind', 'POST', pods, '{"kind":"Service","apiVersion":"v1"}', json, 400, 'Service'],
  ['an unknown media type', 'POST', pods, '{}', { 'content-type': 'text/html' }, 415, 'unknown format'],
  ['an unknown resource', 'GET', '/api/v1/namespaces/default/gadgets', undefined, {}, 404, 'could not find'],
  ['an unknown version', 'GET', '/apis/apps/v9/things', undefined, {}, 404, 'could not find'],
  ['a climb out of the namespace', 'GET', '/api/v1/namespaces/%2e%2e/pods', undefined, {}, 400, 'path segment'],
  ['a slash in a name', 'GET', `${pods}/a%2Fb`, undefined, {}, 400, 'path segment'],
  ['a zero in a name', 'GET', `${pods}/a%00b`, undefined, {}, 400, 'path segment'],
  ['a broken escape', 'GET', `${pods}/%E0%A4%A`, undefined, {}, 400, 'URL-encoded'],
  ['a selector that is none', 'GET', `${pods}?labelSelector=%3D%3D%3D`, undefined, {}, 400, 'expected: !, identifier'],
  [
    'an unknown field',
    'GET',
    `${pods}?fieldSelector=spec.secret%3D1`,
    undefined,
    {},
    400,
    'field label not supported: spec.secret',
  ],
  ['a limit that is no number', 'GET', `${pods}?limit=many`, undefined, {}, 400, 'ParseInt: parsing "many": invalid'],
  ['a broken continue token', 'GET', `${pods}?continue=abc`, undefined, {}, 400, 'continue key is not valid'],
  [
    'a continue token that climbs',
    'GET',
    `${pods}?continue=${Buffer.from('{"v":"meta.k8s.io/v1","rv":5,"start":"../../x\\u0000"}').toString('base64url')}`,
    undefined,
    {},
    400,
    'continue key',
  ],
  [
    'a wrong resourceVersion',
    'GET',
    `${pods}?resourceVersion=x`,
    undefined,
    {},
    500,
    'resourceVersion: Invalid value: "x"',
  ],
  [
    'a wrong resourceVersion of its own state',
    'GET',
    `${pods}?resourceVersion=x&limit=1`,
    undefined,
    {},
    400,
    'invalid resource version: ',
  ],
  [
    'Exact without a version',
    'GET',
    `${pods}?resourceVersionMatch=Exact`,
    undefined,
    {},
    422,
    'resourceVersionMatch is forbidden unless resourceVersion',
  ],
  [
    'an answer nobody can give',
    'GET',
    pods,
    undefined,
    { accept: 'image/png' },
    406,
    'Available representations: application/json, ',
  ],
  [
    'a review as a table',
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    '{}',
    { ...json, accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    406,
    '',
  ],
  ['dryRun of something else', 'POST', `${pods}?dryRun=Some`, '{}', json, 422, 'dryRun'],
  ['a body of 4 MB', 'POST', pods, Buffer.alloc(4 * 1024 * 1024, 0x20), json, 413, 'limit is 3145728'],
  ['a method that is not offered', 'PUT', pods, '{}', json, 405, 'does not allow this method'],
])('%s gets a Status that says so', async (_title, method, url, body, headers, code, text) => {
  const answer = await server.call(method, url, body === undefined ? undefined : raw(body), headers)
  expect({ status: answer.status, kind: answer.body.kind, code: answer.body.code }).toEqual({
    status: code,
    kind: 'Status',
    code,
  })
  expect(answer.body.message).toContain(text)
})

test('where nothing is served at all a line of text says so', async () => {
  for (const url of ['/apis/nobody.dev/v1/things', '/apis/nobody.dev', '/nobody', '/healthz/nobody']) {
    const { status, body, headers } = await server.call('GET', url)
    expect([status, String(body), headers['content-type']]).toEqual([
      ...[404, '404 page not found\n', 'text/plain; charset=utf-8'],
    ])
  }
  for (const url of ['/api', '/api/v1', '/apis/apps/v1', '/version', '/openid/v1/jwks'])
    expect((await server.call('POST', url)).body).toMatchObject({ code: 405, reason: 'MethodNotAllowed', details: {} })
})

test('a patch of too many operations is refused, and one that fails says where', async () => {
  await server.call('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'p' } })
  const url = '/api/v1/namespaces/default/configmaps/p'
  const headers = { 'content-type': 'application/json-patch+json' }
  const many = Array.from({ length: 10_001 }, () => ({ op: 'add', path: '/data', value: {} }))
  expect((await server.call('PATCH', url, many, headers)).status).toBe(413)
  expect((await server.call('PATCH', url, [{ op: 'test', path: '/data/x', value: 1 }], headers)).status).toBe(422)
  expect((await server.call('PATCH', url, { a: 1 }, headers)).status).toBe(400)
  expect((await server.call('PATCH', url, 'x', { 'content-type': 'text/plain' })).status).toBe(415)
})

test('__proto__ in a patch or a body changes nothing but is dropped or refused', async () => {
  const url = '/api/v1/namespaces/default/configmaps'
  const evil = raw(
    '{"metadata":{"name":"evil","labels":{"__proto__":"x"}},"__proto__":{"polluted":1},"data":{"constructor":"c"}}',
  )
  await server.call('POST', url, evil, json)
  await server.call('POST', url, { metadata: { name: 'merge' } })
  await server.call('PATCH', `${url}/merge`, raw('{"__proto__":{"polluted":1},"data":{"__proto__":{"polluted":1}}}'), {
    'content-type': 'application/merge-patch+json',
  })
  await server.call('PATCH', `${url}/merge`, raw('[{"op":"add","path":"/__proto__/polluted","value":1}]'), {
    'content-type': 'application/json-patch+json',
  })
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

// How long others wait is judged in the long form, in a process of its own; here it is only printed.
test('whatever comes, an answer goes, and nothing is an internal error', async () => {
  await using victim = await startTestServer()
  const hostility = await beHostile(victim, 3_000, 7)
  console.info(hostilityText(hostility))
  expect(hostility.faults).toEqual([])
  expect((await victim.call('GET', pods)).status).toBe(200)
}, 60_000)
