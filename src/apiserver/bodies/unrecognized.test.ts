import { afterAll, beforeAll, expect, test } from 'vitest'
import { cronTab } from '../custom/testing/cron-tab.ts'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const watching = await server.watch(`${crds}?watch=1`)
  await server.call('POST', crds, cronTab())
  for (;;) if ((await watching.next()).object.status.conditions?.some((c: any) => c.type === 'Established')) break
  watching.end()
})
afterAll(() => server[Symbol.asyncDispose]())

const maps = '/api/v1/namespaces/default/configmaps?dryRun=All'
const tabs = '/apis/stable.example.com/v1/namespaces/default/crontabs?dryRun=All'
const unknown = (kind: string, why: string) => `the object provided is unrecognized (must be of type ${kind}): ${why}`
const noType = "couldn't get version/kind; json parse error:"
const typeMeta =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
const post = async (url: string, text: string, type = 'application/json') => {
  const { body } = await server.call('POST', url, Buffer.from(text), { 'content-type': type })
  return [body.code, body.message]
}

test.each([
  ['{', `${noType} unexpected end of JSON input ({)`],
  ['x', `${noType} invalid character 'x' looking for beginning of value (78)`],
  ['[]', `${noType} json: cannot unmarshal array into Go value of type ${typeMeta} (5b5d)`],
  [
    '{"apiVersion":5}',
    `${noType} json: cannot unmarshal number into Go struct field .apiVersion of type string ({"apiVersion":5})`,
  ],
  [
    `{"kind":[],"data":{"text":"${'a'.repeat(40)}"}}`,
    `${noType} json: cannot unmarshal array into Go struct field .kind of type string ({"kind":[],"data":{"text":"aaa ...)`,
  ],
])('%s tells nobody what it is, as a built-in kind and as a custom one', async (text, why) => {
  expect(await post(maps, text)).toEqual([400, unknown('ConfigMap', why)])
  expect(await post(tabs, text)).toEqual([400, unknown('CronTab', why)])
})

test('YAML that is no object is shown as it came', async () => {
  const why = `${noType} json: cannot unmarshal string into Go value of type ${typeMeta} (78)`
  expect(await post(maps, 'x', 'application/yaml')).toEqual([400, unknown('ConfigMap', why)])
})

test('an object of a built-in kind need not say what it is, a custom one must', async () => {
  expect((await post(maps, '{"metadata":{"name":"a"}}'))[0]).toBeUndefined()
  const bare = '{"metadata":{"name":"a"}}'
  const missing = `Object 'Kind' is missing in '${bare}'`
  expect(await post(tabs, bare)).toEqual([400, unknown('CronTab', `${missing} (${bare})`)])
  expect(await post(`${tabs}&fieldValidation=Ignore`, bare)).toEqual([
    400,
    `CronTab in version "v1" cannot be handled as a CronTab: ${missing}`,
  ])
  expect(await post(tabs, '{"kind":"CronTab","metadata":{"name":"a"}}')).toEqual([
    400,
    'the API version in the data () does not match the expected API version (stable.example.com/v1)',
  ])
})
