import { expect, onTestFinished, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { startTestServer } from '../testing/test-server.ts'
import type { EventLimit } from './event-rate-limit.ts'

const limit = (type: EventLimit['type'], burst: number, cacheSize = 4096): EventLimit => ({
  ...{ type, burst, cacheSize, qps: 1 },
})
const involvedObject = { kind: 'Pod', namespace: 'default', name: 'web', uid: 'u', apiVersion: 'v1' }

async function start(...eventLimits: EventLimit[]) {
  const clock = new VirtualClock(0)
  const server = await startTestServer({ eventLimits, clock })
  onTestFinished(() => server[Symbol.asyncDispose]())
  let count = 0
  const write = async (more: object = {}, query = '', namespace = 'default') => {
    const metadata = { name: `e${count++}`, namespace }
    const url = `/api/v1/namespaces/${namespace}/events${query}`
    const about = { ...involvedObject, namespace }
    const { status, body } = await server.call('POST', url, { metadata, involvedObject: about, ...more })
    return status === 201 ? 201 : [status, body.reason, body.message]
  }
  return { clock, server, write }
}

const refused = (why: string) => [429, 'TooManyRequests', `Too many requests: ${why}`]

test('more Events than the burst are refused until time has passed; those on trial do not count', async () => {
  const { clock, write } = await start(limit('Server', 2))
  expect([await write({}, '?dryRun=All'), await write(), await write()]).toEqual([201, 201, 201])
  expect(await write()).toEqual(refused('limit reached on type Server for key '))
  await clock.advance(1_500)
  expect([await write(), await write()]).toEqual([201, refused('limit reached on type Server for key ')])
})

test('namespaces, users and objects are told apart, and all that is reached is said', async () => {
  const { server, write } = await start(limit('Namespace', 1), limit('User', 2), limit('SourceAndObject', 1))
  await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'other' } })
  const source = { component: 'kubelet', host: 'n1' }
  expect([await write({ source }), await write({}, '', 'other')]).toEqual([201, 201])
  expect(await write({ source })).toEqual(
    refused(
      `[limit reached on type Namespace for key default, limit reached on type User for key admin, ${[
        'limit reached on type SourceAndObject for key kubeletn1Poddefaultwebuv1',
      ]}]`,
    ),
  )
})

test('the one longest unheard of is forgotten', async () => {
  const { server, write } = await start(limit('Namespace', 1, 1))
  await server.call('POST', '/api/v1/namespaces', { metadata: { name: 'other' } })
  expect([await write(), await write({}, '', 'other'), await write()]).toEqual([201, 201, 201])
})
