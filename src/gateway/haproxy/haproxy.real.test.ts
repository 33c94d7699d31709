import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import * as http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort, onPath, run } from '../../../tests/support/processes.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import { systemCommands } from '../../base/commands.ts'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { systemNet } from '../../base/net.ts'
import type { Backend, PortRoutes, Route, RouteAction } from '../routing-table.ts'
import { HaproxyPlane } from './plane.ts'

const reloads = 5
const missing = ['haproxy', 'curl'].filter(name => !onPath(name) && !onPath(`/usr/sbin/${name}`))

describe.skipIf(missing.length > 0)(
  `HAProxy as the data plane${missing.length ? ` (skipped: no ${missing})` : ''}`,
  () => {
    let folder: string
    let plane: HaproxyPlane
    let pair: KeyPair
    let ca: string
    let port: number
    let securePort: number
    const servers: http.Server[] = []
    const backends: Backend[] = []

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'optiflow-haproxy-'))
      const authority = await createAuthority('test', systemClock)
      ca = join(folder, 'ca.pem')
      await systemDisk.write(ca, authority.cert)
      const issue = (name: string) =>
        issueCertificate(authority, { commonName: name, dnsNames: [name], usages: ['server'] }, systemClock)
      pair = await issue('shop.test')
      for (const name of ['a', 'b']) {
        const server = http.createServer((request, response) => {
          request.resume()
          response.setHeader('x-seen', JSON.stringify(request.headers))
          if (request.url === '/slow') setTimeout(() => response.end(`${name} at last`), 1_500)
          else response.end(`${name} ${request.method} ${request.headers.host}${request.url}`)
        })
        server.listen(0, '127.0.0.1')
        await once(server, 'listening')
        servers.push(server)
        backends.push({ name, endpoints: [{ ip: '127.0.0.1', port: (server.address() as AddressInfo).port }] })
      }
      port = await freePort()
      securePort = await freePort()
      plane = new HaproxyPlane({
        ...{ folder, ownCertificate: await issue('own.test'), user: undefined },
        ...{ clock: systemClock, commands: systemCommands, disk: systemDisk, net: systemNet, log: silentLogger },
      })
      await plane.open({
        ...{ plain: { host: '127.0.0.1', port }, secure: { host: '127.0.0.1', port: securePort }, held: true },
      })
    })
    afterAll(async () => {
      await plane[Symbol.asyncDispose]()
      for (const server of servers) {
        server.closeAllConnections()
        server.close()
      }
      await rm(folder, { recursive: true, force: true })
    })

    const to = (...at: number[]): RouteAction => ({
      route: 'HTTPRoute default/r',
      backends: at.map(i => ({ weight: i === 0 ? 3 : 1, backend: backends[i]! })),
    })
    const prefix = (path = '', more: Partial<Route['match']> = {}): Route['match'] => ({
      path: { type: 'Prefix', path },
      ...more,
    })
    const routes = (hosts: Record<string, Route[]>): PortRoutes => ({
      ...{ secure: false, hosts: new Map(Object.entries(hosts)), certificates: new Map([['shop.test', pair]]) },
    })
    /** Serves the same on both ports, and waits until `sign` of it is seen. */
    async function serve(
      hosts: Record<string, Route[]>,
      sign: { host: string; path?: string; answer: string },
      answers = {},
    ) {
      const plain = routes(hosts)
      const table = {
        ports: new Map([
          [80, plain],
          [443, { ...plain, secure: true }],
        ]),
      }
      await plane.serve(table, new Map(Object.entries(answers)))
      await expect.poll(() => ask(sign.host, sign.path), { timeout: 20_000, interval: 50 }).toContain(sign.answer)
    }
    const curl = async (...args: string[]) => (await run('curl', ['-sS', '-m', '10', ...args])).out
    const ask = (host: string, path = '/', ...args: string[]) =>
      curl('-H', `Host: ${host}`, ...args, `http://127.0.0.1:${port}${path}`)

    test('hosts, paths, methods, headers and parameters lead where they lead with our own proxy', async () => {
      const a = to(0)
      const b = to(1)
      await serve(
        {
          'shop.test': [
            { match: { path: { type: 'Exact', path: '/x' } }, action: b },
            { match: prefix('/api'), action: b },
            { match: prefix('', { headers: [{ name: 'x-beta', exact: "it's 1", test: () => true }] }), action: b },
            { match: prefix('', { query: [{ name: 'v', pattern: '[0-9]+', test: () => true }] }), action: b },
            { match: prefix('', { method: 'PUT' }), action: b },
            { match: prefix(), action: a },
          ],
          '*.wide.test': [{ match: prefix('', { oneLabel: true }), action: b }],
          '*.most.test': [{ match: prefix('', { exceptHosts: ['no.most.test', '*.deep.most.test'] }), action: b }],
        },
        { host: 'shop.test', answer: 'a GET' },
      )
      expect(await ask('shop.test', '/p?q=1')).toBe('a GET shop.test/p?q=1')
      for (const path of ['/x', '/api', '/api/v1', '/?v=12']) expect(await ask('shop.test', path)).toMatch(/^b /)
      for (const path of ['/xx', '/apis', '/?v=x']) expect(await ask('shop.test', path)).toMatch(/^a /)
      expect(await ask('shop.test', '/', '-H', "X-Beta: it's 1")).toMatch(/^b /)
      expect(await ask('SHOP.test:80', '/', '-X', 'PUT')).toMatch(/^b PUT/)
      expect(await ask('one.wide.test')).toMatch(/^b /)
      expect(await ask('two.one.wide.test')).toBe('no route for two.one.wide.test/')
      for (const host of ['yes.most.test', 'a.yes.most.test', 'deep.most.test']) expect(await ask(host)).toMatch(/^b /)
      for (const host of ['no.most.test', 'a.deep.most.test']) expect(await ask(host)).toMatch(/^no route for/)
      for (const path of ['/x/../api', '/x/%2e%2E/api', '/x/..'])
        expect(await ask('shop.test', path, '--path-as-is')).toBe('the path has steps that lead back')
      expect(await ask('shop.test', '/x/..y', '--path-as-is')).toMatch(/^a /)
      const lies = ['-H', 'X-Forwarded-For: 6.6.6.6', '-H', 'Forwarded: for=6.6.6.6']
      const head = await ask('shop.test', '/', '-i', ...lies)
      const seen = JSON.parse(/^x-seen: (.*)\r$/m.exec(head)![1]!)
      expect(seen).toMatchObject({ 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'http' })
      expect(seen).not.toHaveProperty('forwarded')
    })

    test('rewrites, redirects, headers, limits and given answers; https by server name', async () => {
      const rewrite = { hostname: 'inner.test', path: { prefix: '/old', by: '/new' } }
      const guards = [{ id: 'g', rateLimit: { perSecond: 2 / 60, burst: 2, by: 'Client' as const } }]
      await serve(
        {
          'change.test': [
            {
              match: prefix('/old'),
              action: { ...to(0), rewrite, responseHeaders: { set: { 'x-by': '100% route' } } },
            },
            {
              match: prefix('/go'),
              action: { ...to(), redirect: { status: 301, scheme: 'https', hostname: 'new.test' } },
            },
            { match: prefix('/closed'), action: { ...to(0), policy: { guards: [{ id: 'x', broken: 'no' }] } } },
            { match: prefix('/few'), action: { ...to(0), policy: { guards } } },
            { match: prefix(), action: { ...to(0), redirectToTls: true } },
          ],
        },
        { host: 'change.test', path: '/old', answer: '/new' },
        { '/.well-known/acme-challenge/t': "it's me" },
      )
      expect(await ask('change.test', '/old/x?q')).toBe('a GET inner.test/new/x?q')
      expect(await ask('change.test', '/old', '-i')).toContain('x-by: 100% route')
      const where = ['-o', '/dev/null', '-w', '%{http_code} %{redirect_url}']
      expect(await ask('change.test', '/go/a?b', ...where)).toBe('301 https://new.test/go/a?b')
      expect(await ask('change.test', '/else', ...where)).toBe(`308 https://change.test:${securePort}/else`)
      expect(await ask('change.test', '/closed', ...where)).toBe('500 ')
      const few = []
      for (let i = 0; i < 3; i++) few.push(await ask('change.test', '/few', ...where))
      expect(few).toEqual(['200 ', '200 ', '429 '])
      expect(await ask('any.test', '/.well-known/acme-challenge/t')).toBe("it's me")
      const secure = ['--cacert', ca, '--resolve', `shop.test:${securePort}:127.0.0.1`]
      expect(await curl(...secure, '-w', '%{http_version}', `https://shop.test:${securePort}/`)).toContain(
        'no route for shop.test/2',
      )
    })

    test('weights are kept, and no request fails while routes and endpoints change again and again', async () => {
      const hosts = (i: number) => ({
        'shop.test': [
          { match: prefix(`/turn${i}`), action: to(1) },
          { match: prefix(), action: to(...(i % 2 ? [0] : [0, 1])) },
        ],
      })
      await serve(hosts(0), { host: 'shop.test', path: '/turn0', answer: 'b GET' })
      const slow = ask('shop.test', '/slow')
      const got: Record<string, number> = {}
      let going = true
      const agent = new http.Agent({ keepAlive: true, maxSockets: 4 })
      const asking = Array.from({ length: 4 }, async (_, i) => {
        while (going) {
          const what = await new Promise<string>(done => {
            const options = {
              host: '127.0.0.1',
              port,
              headers: { host: 'shop.test' },
              ...(i % 2 ? { agent } : { agent: false as const }),
            }
            http
              .get(options, async r =>
                done(r.statusCode === 200 ? String(await r.toArray()).slice(0, 1) : `${r.statusCode}`),
              )
              .on('error', error => done(String(error)))
          })
          got[what] = (got[what] ?? 0) + 1
        }
      })
      for (let i = 1; i <= reloads; i++)
        await serve(hosts(i), { host: 'shop.test', path: `/turn${i}`, answer: 'b GET' })
      going = false
      await Promise.all(asking)
      agent.destroy()
      console.log(`${reloads} reloads: ${JSON.stringify(got)}`)
      expect(Object.keys(got).sort()).toEqual(['a', 'b'])
      expect(await slow).toBe(`${(await slow)[0]} at last`)
    })

    test('a table that HAProxy refuses leaves the one before in force', async () => {
      const bad = routes({
        'shop.test': [{ match: { path: { type: 'Pattern', path: '(', test: () => true } }, action: to(1) }],
      })
      await plane.serve({ ports: new Map([[80, bad]]) }, new Map())
      expect(await ask('shop.test', `/turn${reloads}`)).toMatch(/^b GET/)
    })

    test('connections of a port of their own are led on as they are, or end at once where nobody is', async () => {
      const bare = await freePort()
      const serve = (to?: PortRoutes['asItIs']) =>
        plane.serve({ ports: new Map([[bare, { ...routes({}), asItIs: to ?? {} }]]) }, new Map())
      await serve({ to: { route: 'TCPRoute default/r', backends: [{ weight: 1, backend: backends[1]! }] } })
      const curl = () => run('curl', ['-sS', '-m', '5', '-H', 'Host: x.test', `http://127.0.0.1:${bare}/y`])
      await expect.poll(async () => (await curl()).out).toBe('b GET x.test/y')
      await serve()
      await expect.poll(async () => (await curl()).code).not.toBe(0)
      expect([...plane.missing]).toEqual([])
    })
  },
)
