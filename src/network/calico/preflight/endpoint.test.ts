import { expect, test } from 'vitest'
import type { Net } from '../../../base/net.ts'
import type { Client } from '../../../client/index.ts'
import { checkEndpoint } from './endpoint.ts'

const client = (addresses: string[]) =>
  ({ get: async () => ({ endpoints: [{ addresses }], ports: [{ port: 6443 }] }) }) as unknown as Client
const net = (connect: () => Promise<{ destroy(): void }>) => ({ connect }) as unknown as Net

test('the address by which nodes reach the API must answer', async () => {
  const answering = net(async () => ({ destroy() {} }))
  const refusing = net(async () => {
    throw new Error('connect ECONNREFUSED')
  })
  expect(await checkEndpoint(client(['10.0.0.1']), answering)).toMatchObject({
    level: 'ok',
    what: '10.0.0.1:6443 answers',
  })
  expect(await checkEndpoint(client(['10.0.0.1']), refusing)).toMatchObject({
    level: 'fail',
    what: '10.0.0.1:6443 does not answer: connect ECONNREFUSED',
    fix: expect.stringContaining('--listen 0.0.0.0:6443'),
  })
  expect(await checkEndpoint(client([]), answering)).toMatchObject({ level: 'warn' })
})
