import { once } from 'node:events'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import * as tls from 'node:tls'
import { expect, test } from 'vitest'
import { createAuthority, issueCertificate } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import type { RoutingTable } from '../routing-table.ts'
import { ThreadedPlane } from './threaded-plane.ts'

const at = { host: '127.0.0.1', port: 0 }

function ask(port: number, path: string, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path, agent: false, headers: { host: 'app.test', ...headers } }, async r =>
        resolve(`${r.statusCode} ${Buffer.concat(await r.toArray())}`),
      )
      .on('error', reject)
  })
}

test('our own proxy in its thread does what it is told and counts; a port that is taken is told with its cause', async () => {
  const backend = http.createServer((request, response) => response.end(`hello ${request.url}`))
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  const ended: unknown[] = []
  await using plane = new ThreadedPlane({
    ...{ clock: systemClock, disk: systemDisk, log: silentLogger, ownCertificate: { cert: '', key: '' } },
    metrics: { began() {}, ended: (route, status) => ended.push([route, status]), refused() {}, tried() {} },
  })
  await plane.open({ plain: at, held: true })
  const port = plane.realPort(80)!
  expect(await ask(port, '/')).toBe('404 no route for app.test/\n')

  const endpoints = [{ ip: '127.0.0.1', port: (backend.address() as AddressInfo).port }]
  const action = { route: 'HTTPRoute default/r', backends: [{ weight: 1, backend: { name: 'b', endpoints } }] }
  const match = {
    path: { type: 'Pattern' as const, path: '/r[0-9]+', test: () => false },
    headers: [{ name: 'x-one', exact: '1', test: () => false }],
  }
  const routes = { secure: false, hosts: new Map([['app.test', [{ match, action }]]]), certificates: new Map() }
  const table: RoutingTable = { ports: new Map([[80, routes]]) }
  await plane.serve(table, new Map([['/given', 'an answer']]))
  expect(await ask(port, '/r17', { 'x-one': '1' })).toBe('200 hello /r17')
  expect(await ask(port, '/r17')).toMatch(/^404/)
  expect(await ask(port, '/rx', { 'x-one': '1' })).toMatch(/^404/)
  expect(await ask(port, '/given')).toBe('200 an answer')
  await expect.poll(() => ended).toContainEqual(['HTTPRoute default/r', 200])

  const taken = new ThreadedPlane({
    ...{ clock: systemClock, disk: systemDisk, log: silentLogger, ownCertificate: { cert: '', key: '' } },
    metrics: { began() {}, ended() {}, refused() {}, tried() {} },
  })
  const failure = await taken.open({ plain: { ...at, port }, held: true }).catch(error => error)
  expect([failure.name, failure.cause.code]).toEqual(['GatewayFailed', 'EADDRINUSE'])
  await taken[Symbol.asyncDispose]()
  backend.closeAllConnections()
  backend.close()
})

/** Who a server says it is. */
async function nameAt(port: number): Promise<string> {
  const socket = tls.connect({ host: '127.0.0.1', port, servername: 'app.test', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const name = socket.getPeerCertificate().subject.CN
  socket.destroy()
  return String(name)
}

test('the gateway’s own certificate is replaced while it runs, and a thread that starts anew has the new one', async () => {
  const authority = await createAuthority('test', systemClock)
  const own = (commonName: string) => issueCertificate(authority, { commonName, usages: ['server'] }, systemClock)
  await using plane = new ThreadedPlane({
    ...{ clock: systemClock, disk: systemDisk, log: silentLogger, ownCertificate: await own('before') },
    metrics: { began() {}, ended() {}, refused() {}, tried() {} },
  })
  await plane.open({ plain: at, secure: at, held: true })
  expect(await nameAt(plane.realPort(443)!)).toBe('before')
  await plane.useOwnCertificate(await own('after'))
  expect(await nameAt(plane.realPort(443)!)).toBe('after')
})
