import { get } from 'node:https'
import { Gauge, Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import type { Client } from '../../client/index.ts'
import { managerAnswers, openManagerEndpoint } from './endpoint.ts'

/** An API server that knows two users by their tokens, one of whom may read figures. */
const client = {
  create: async ({ kind }: { kind: string }, { spec }: any) => {
    if (spec.token === 'broken') throw new Error('no connection')
    if (kind === 'TokenReview')
      return { status: { authenticated: spec.token !== 'x', user: { username: spec.token, groups: [] } } }
    return { status: { allowed: spec.user === 'monitor' && spec.nonResourceAttributes.path === '/metrics' } }
  },
} as unknown as Client

function registryWithOne(): Registry {
  const registry = new Registry()
  new Gauge({ name: 'some_figure', help: 'A figure.', registers: [registry] }).set(7)
  return registry
}

test.each<[string, string, string | undefined, number, string]>([
  ['GET', '/healthz', undefined, 200, 'ok'],
  ['GET', '/livez', undefined, 200, 'ok'],
  ['GET', '/readyz', undefined, 200, 'ok'],
  ['GET', '/metrics', undefined, 401, 'Unauthorized'],
  ['GET', '/metrics', 'Bearer x', 401, 'Unauthorized'],
  ['GET', '/metrics', 'Bearer nosy', 403, 'user "nosy" may not get /metrics'],
  ['GET', '/metrics', 'Bearer broken', 500, 'who asks could not be checked: no connection'],
  ['GET', '/metrics', 'Bearer monitor', 200, 'some_figure 7'],
  ['POST', '/metrics', 'Bearer monitor', 405, 'can only be read'],
  ['GET', '/debug/pprof', 'Bearer monitor', 404, 'there is no /debug/pprof'],
])('%s %s with %s is answered %i: %s', async (method, path, authorization, status, text) => {
  const answer = await managerAnswers(client, systemClock, registryWithOne())({ method, path, authorization })
  expect([answer.status, answer.text]).toEqual([status, expect.stringContaining(text)])
})

test('it is served over TLS', async () => {
  const options = { client, outside: { clock: systemClock }, registry: registryWithOne(), host: '127.0.0.1', port: 0 }
  await using endpoint = await openManagerEndpoint(options)
  const said = await new Promise((resolve, reject) => {
    const headers = { authorization: 'Bearer monitor' }
    get({ host: '127.0.0.1', port: endpoint.port, path: '/metrics?x', headers, rejectUnauthorized: false }, answer => {
      let text = ''
      answer.on('data', chunk => (text += chunk))
      answer.on('end', () => resolve([answer.statusCode, text.includes('some_figure 7')]))
    }).on('error', reject)
  })
  expect(said).toEqual([200, true])
})
