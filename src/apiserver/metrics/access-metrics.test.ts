import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { AccessMetrics } from './access-metrics.ts'

test('requests are counted by who came, what was said of them and how long their certificates are valid', async () => {
  const registry = new Registry()
  const access = new AccessMetrics([registry])
  for (const username of ['admin', 'jane@example.com', 'system:node:a', 'joe'])
    access.identified({ username, groups: [] }, 1)
  access.identified(undefined, 1)
  access.decided({ allowed: true, reason: '' }, 1)
  access.decided({ allowed: false, reason: '' }, 1)
  access.decided({ allowed: false, reason: '', denied: true }, 1)
  access.decided({ allowed: false, reason: '', error: 'x' }, 1)
  access.certified(3_000_000)
  const text = await registry.metrics()
  const told = text.split('\n').filter(line => /^(authent|authoriz)\w+(_requests|attempts|attempts_total)\{/.test(line))
  expect(told).toEqual([
    'authenticated_user_requests{username="admin"} 1',
    'authenticated_user_requests{username="email_id"} 1',
    'authenticated_user_requests{username="other"} 2',
    'authentication_attempts{result="success"} 4',
    'authentication_attempts{result="failure"} 1',
    'authorization_attempts_total{result="allowed"} 1',
    'authorization_attempts_total{result="denied"} 1',
    'authorization_attempts_total{result="no-opinion"} 1',
    'authorization_attempts_total{result="error"} 1',
  ])
  expect(text).toContain('apiserver_client_certificate_expiration_seconds_bucket{le="1800"} 0')
  expect(text).toContain('apiserver_client_certificate_expiration_seconds_bucket{le="3600"} 1')
})
