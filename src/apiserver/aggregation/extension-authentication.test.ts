import { expect, test } from 'vitest'
import { startTestServer } from '../testing/test-server.ts'
import { authenticationData } from './extension-authentication.ts'

test('extension servers learn whom to believe, and it comes back when somebody changes it', async () => {
  const pem = (text: string) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----`
  const frontProxy = { ca: pem('p'), allowedNames: ['front-proxy-client'] }
  expect(
    authenticationData({ clientCa: pem('b'), frontProxy }, { 'client-ca-file': `${pem('a')}\n`, more: 'x' }),
  ).toEqual({
    'client-ca-file': `${pem('a')}\n${pem('b')}\n`,
    more: 'x',
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-client-ca-file': `${pem('p')}\n`,
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  })
  await using server = await startTestServer({ clientCa: pem('b'), frontProxy })
  const url = '/api/v1/namespaces/kube-system/configmaps'
  const watch = await server.watch(`${url}?watch=1&fieldSelector=metadata.name=extension-apiserver-authentication`)
  const first = (await watch.next()).object.data
  expect(JSON.parse(first['requestheader-allowed-names'])).toEqual(['front-proxy-client'])
  await server.call('DELETE', `${url}/extension-apiserver-authentication`)
  expect((await watch.next()).type).toBe('DELETED')
  expect((await watch.next()).object.data).toEqual(first)
  watch.end()
})
