import { expect, test } from 'vitest'
import { startTestServer } from '../testing/test-server.ts'
import { cronTab, cronTabObject } from './testing/cron-tab.ts'
import { define } from './testing/define.ts'

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const tabs = '/apis/stable.example.com/v1/namespaces/default/crontabs'

test('a part that a definition has not is told as an object that is not there', async () => {
  await using server = await startTestServer()
  const definition = cronTab()
  delete (definition.spec.versions[0] as { subresources?: unknown }).subresources
  await define(server, definition)
  await server.call('POST', tabs, cronTabObject('one'))
  for (const part of ['status', 'scale', 'nothing'])
    expect((await server.call('GET', `${tabs}/one/${part}`)).body).toMatchObject({
      ...{ code: 404, reason: 'NotFound', message: 'crontabs.stable.example.com "one" not found' },
      details: { name: 'one', group: 'stable.example.com', kind: 'crontabs' },
    })
})

test('nothing is created while the definition goes, and that is why', async () => {
  await using server = await startTestServer()
  await define(server, cronTab())
  const held = cronTabObject('held')
  await server.call('POST', tabs, { ...held, metadata: { ...held.metadata, finalizers: ['example.com/wait'] } })
  await server.call('DELETE', `${crds}/crontabs.stable.example.com`)
  expect((await server.call('POST', tabs, cronTabObject('late'))).body).toMatchObject({
    ...{ code: 405, reason: 'MethodNotAllowed' },
    message: 'create not allowed while custom resource definition is terminating',
    details: { group: 'stable.example.com', kind: 'crontabs' },
  })
  expect((await server.call('PUT', tabs, held)).body.message).toBe(
    'the server does not allow this method on the requested resource',
  )
})
