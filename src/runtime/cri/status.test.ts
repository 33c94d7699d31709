import { expect, test } from 'vitest'
import { readStatus } from './status.ts'

const ready = { type: 'RuntimeReady', status: true, reason: '', message: '' }
const answering = (more: object) =>
  readStatus({ runtime: async () => ({ status: { conditions: [ready] }, runtime_handlers: [], ...more }) } as never)

test('a runtime says what each way of running pods can do, or nothing of it', async () => {
  const features = { recursive_read_only_mounts: true, user_namespaces: false }
  const handlers = [
    { name: '', features },
    { name: 'kata', features: null },
  ]
  expect((await answering({ runtime_handlers: handlers })).handlers).toEqual([
    { name: '', recursiveReadOnlyMounts: true, userNamespaces: false },
    { name: 'kata', recursiveReadOnlyMounts: false, userNamespaces: false },
  ])
  expect((await answering({})).handlers).toEqual([])
})

test('what is not ready is told with its reason', async () => {
  const network = { type: 'NetworkReady', status: false, reason: 'NetworkPluginNotReady', message: 'no plugin' }
  expect(await answering({ status: { conditions: [ready, network] } })).toMatchObject({
    ...{ runtimeReady: true, networkReady: false },
    message: 'NetworkReady=false reason:NetworkPluginNotReady message:no plugin',
  })
})
