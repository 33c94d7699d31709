import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const pods = '/api/v1/namespaces/default/pods'
const debuggers = (...names: string[]) => names.map(name => ({ name, image: 'debugimage' }))

test.each<[string, string, (names: string[]) => unknown]>([
  ['merge', 'application/merge-patch+json', names => ({ spec: { ephemeralContainers: debuggers(...names) } })],
  [
    'JSON',
    'application/json-patch+json',
    names => [{ op: 'replace', path: '/spec/ephemeralContainers', value: debuggers(...names) }],
  ],
])('a %s patch that says an ephemeral container again without its defaults keeps it', async (form, type, patch) => {
  const name = form.toLowerCase()
  const containers = [{ name: 'c', image: 'i' }]
  const pod = { metadata: { name }, spec: { containers } }
  await server.call('POST', pods, pod)
  const url = `${pods}/${name}/ephemeralcontainers`
  const sent = { ...pod, spec: { containers, ephemeralContainers: debuggers('one') } }
  expect((await server.call('PUT', url, sent)).status).toBe(200)
  expect((await server.call('PUT', url, sent)).status).toBe(200)
  const more = await server.call('PATCH', url, patch(['one', 'two']), { 'content-type': type })
  expect(more.body.spec?.ephemeralContainers, more.body.message).toMatchObject(debuggers('one', 'two'))
  const less = await server.call('PATCH', url, patch(['two']), { 'content-type': type })
  expect(less.body.message).toBe(
    `Pod "${name}" is invalid: spec.ephemeralContainers: Forbidden: existing ephemeral containers "one" may not be removed or changed`,
  )
})
