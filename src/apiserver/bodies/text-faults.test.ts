import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { define } from '../custom/testing/define.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

// Words and order are kube-apiserver's: those of its own test of field validation.

let server: TestServer
beforeEach(async () => {
  server = await startTestServer()
  onTestFinished(() => server[Symbol.asyncDispose]())
})

const deployments = '/apis/apps/v1/namespaces/default/deployments'
const spec = (more = '') =>
  `"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"${more}}]}}`
const send = async (method: string, url: string, type: string, text: string) => {
  const { status, headers, body } = await server.call(method, url, Buffer.from(text), { 'content-type': type })
  const warnings = [headers['warning'] ?? []]
    .flat()
    .map(text => /^299 - "(.*)"$/.exec(text)?.[1]?.replaceAll('\\"', '"'))
  return { status, message: body.message, warnings }
}

const faulty = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d","name":"d","unknownMeta":1},"spec":{"unknown1":1,"unknownDupe":1,"unknownDupe":2,"paused":true,"paused":false,${spec(',"unknownNested":1,"imagePullPolicy":"Always","imagePullPolicy":"Never"')}}}`
const faults = [
  'duplicate field "metadata.name"',
  'unknown field "metadata.unknownMeta"',
  'unknown field "spec.unknown1"',
  'unknown field "spec.unknownDupe"',
  'duplicate field "spec.paused"',
  'unknown field "spec.template.spec.containers[0].unknownNested"',
  'duplicate field "spec.template.spec.containers[0].imagePullPolicy"',
]

test('what is wrong with a JSON text is told in its order', async () => {
  const { message } = await send('POST', `${deployments}?fieldValidation=Strict`, 'application/json', faulty)
  expect(message).toMatch(`strict decoding error: ${faults.join(', ')}`)
  expect((await send('POST', deployments, 'application/json', faulty)).warnings).toEqual(faults)
})

const yaml = 'metadata:\n  name: d\n  name: d\nspec:\n  zebra: 1\n  selector: {matchLabels: {a: b}}\n  apple: 1\n'

test('of YAML the lines come first, each is a warning, and nobody has to ask for it', async () => {
  const { message } = await send('POST', `${deployments}?fieldValidation=Strict`, 'application/yaml', yaml)
  expect(message).toMatch(
    'strict decoding error: yaml: unmarshal errors:\n  line 3: key "name" already set in map, unknown field "spec.apple", unknown field "spec.zebra"',
  )
  const text = `${yaml}  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}\n`
  expect(await send('POST', deployments, 'application/yaml', text)).toMatchObject({
    status: 201,
    warnings: ['line 3: key "name" already set in map', 'unknown field "spec.apple"', 'unknown field "spec.zebra"'],
  })
})

test('fields that are there twice in a patch are told before those that are unknown in what comes of it', async () => {
  await send('POST', deployments, 'application/json', `{"metadata":{"name":"d"},"spec":{${spec()}}}`)
  const url = `${deployments}/d`
  const text = '{"spec":{"unknownDupe":1,"unknownDupe":2,"paused":true,"paused":false,"apple":1}}'
  for (const type of ['merge-patch+json', 'strategic-merge-patch+json']) {
    const strict = await send('PATCH', `${url}?fieldValidation=Strict`, `application/${type}`, text)
    expect(strict.message).toMatch(
      /strict decoding error: duplicate field "spec\.unknownDupe", duplicate field "spec\.paused", unknown field "spec\.apple", unknown field "spec\.unknownDupe"$/,
    )
    expect((await send('PATCH', url, `application/${type}`, text)).warnings).toHaveLength(4)
    expect((await send('PATCH', `${url}?fieldValidation=Ignore`, `application/${type}`, text)).warnings).toEqual([])
  }
  const operations =
    '[{"op":"add","path":"/spec/apple","foo":1,"value":1},{"op":"add","path":"/spec/x","path":"/spec/paused","value":true}]'
  const strict = await send('PATCH', `${url}?fieldValidation=Strict`, 'application/json-patch+json', operations)
  expect(strict.message).toMatch(
    /strict decoding error: json patch unknown field "\[0\]\.foo", json patch duplicate field "\[1\]\.path", unknown field "spec\.apple"$/,
  )
})

test('what is there twice in what is applied is told by its lines, be it JSON', async () => {
  const text = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},\n"spec":{"paused":true,\n"paused":false,${spec()}}}`
  const url = `${deployments}/d?fieldManager=m`
  const strict = await send('PATCH', `${url}&fieldValidation=Strict`, 'application/apply-patch+yaml', text)
  expect(strict.message).toBe(
    'error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  line 3: key "paused" already set in map',
  )
  const warned = await send('PATCH', url, 'application/apply-patch+yaml', text)
  expect(warned).toMatchObject({ status: 201, warnings: ['line 3: key "paused" already set in map'] })
})

test('of a custom resource what is there twice comes first, unknown or not, then what is unknown, sorted', async () => {
  const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: { type: 'object' } } }
  const properties = { spec: { type: 'object', properties: { known: { type: 'string' }, embedded } } }
  const schema = { openAPIV3Schema: { type: 'object', properties } }
  await define(server, {
    metadata: { name: 'things.example.com' },
    spec: {
      ...{ group: 'example.com', scope: 'Namespaced', names: { plural: 'things', kind: 'Thing' } },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  const text = `{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"t","unknownMeta":1},"spec":{"embedded":{"apiVersion":"v1","kind":"Pod","metadata":{"odd":1}},"zebra":1,"zebra":2,"known":"a","known":"b","apple":1}}`
  const url = '/apis/example.com/v1/namespaces/default/things?fieldValidation=Strict'
  expect((await send('POST', url, 'application/json', text)).message).toMatch(
    /strict decoding error: duplicate field "spec\.zebra", duplicate field "spec\.known", unknown field "metadata\.unknownMeta", unknown field "spec\.apple", unknown field "spec\.zebra", unknown field "spec\.embedded\.metadata\.odd"$/,
  )
})

test('the group without a name may be said', async () => {
  const map = { apiVersion: '/v1', kind: 'ConfigMap', metadata: { name: 'm' } }
  const { status, body } = await server.call('POST', '/api/v1/namespaces/default/configmaps', map)
  expect([status, body.apiVersion]).toEqual([201, 'v1'])
})
