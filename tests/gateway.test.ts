import { createHash, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthority, issueCertificate } from '../src/base/certificates.ts'
import { systemClock } from '../src/base/clock.ts'
import { type Lan, openLan } from './support/lan.ts'
import { startLoad } from './support/load.ts'
import { Parts, realImpossible } from './support/parts.ts'
import { onPath, type Started, until } from './support/processes.ts'
import { testRegistry } from './support/registries.ts'

const obstacle = realImpossible()

// One story, told in order: each test goes on where the one before ended.
describe.skipIf(obstacle)(`the gateway in front of real containers${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let lan: Lan
  let box: Parts
  let registry: Started
  const ip = '10.77.0.11'
  const curl = (...args: string[]) => lan.outside.run('curl', ['-sS', '-m', '5', ...args])
  /** Of the certificate that a browser may take without knowing who signed it. */
  let trusted = ''
  const ask = async (host: string, path = '/') =>
    (await curl('-w', '|%{http_code}', '-H', `Host: ${host}`, `http://${ip}${path}`)).out
  const workload = (image: string, more: object = {}) => ({
    apiVersion: 'optiflow.dev/v1',
    kind: 'Workload',
    metadata: { name: 'app', namespace: 'default' },
    spec: {
      image,
      replicas: 3,
      ports: [{ port: 80, targetPort: 8080 }],
      expose: { host: 'app.test' },
      healthCheck: { http: { path: '/' }, intervalSeconds: 1 },
      terminationGracePeriodSeconds: 5,
      ...more,
    },
  })

  beforeAll(async () => {
    lan = await openLan(['box'])
    box = new Parts(lan.machines['box']!, lan.folder)
    registry = await testRegistry(box.machine, 5000)
    const mirror = ['--registry-mirror', `registry.test=http://${ip}:5000`]
    const up = ['--runtime', 'containerd', '--data-dir', box.dataDir, '--listen', `${ip}:6443`, '--node-name', 'box']
    await box.start('up', [...up, '--kubeconfig', box.kubeconfig, ...mirror], 'The API answers at')
  })

  afterAll(async () => {
    await box?.[Symbol.asyncDispose]()
    await registry?.stop()
    await lan?.[Symbol.asyncDispose]()
  })

  it('a Workload with a host name answers there as soon as it is ready, and says so', async () => {
    // Nothing wants to be served yet: the port is anybody's, and stays whose it is.
    expect((await curl(`http://${ip}/`)).code).toBe(7)
    const other = box.machine.start(process.execPath, ['-e', `require('net').createServer().listen(80)`])
    await until('another program', async () => (await curl('-m', '1', `http://${ip}/`)).code !== 7)
    await box.apply(workload('registry.test/web:1'))
    await until('the clash', async () => {
      const told = await box.kubectl(
        'get',
        'ingress',
        'app',
        '-o',
        'jsonpath={.status.loadBalancer}',
        '--ignore-not-found',
      )
      return told.includes('"error":"PortUnavailable","port":80')
    })
    await other.stop()
    await until('an answer', async () => (await ask('app.test')).startsWith('version 1 on app-'))
    await until('the address', async () =>
      (await box.kubectl('get', 'ingress', 'app')).includes(`app.test   ${ip}   80`),
    )
    expect((await box.get('workload', 'app')).status.url).toBe('http://app.test')
    expect(await ask('other.test')).toContain('|404')
  })

  it('an Ingress leads hosts and paths to Services, with its own certificate for its hosts', async () => {
    const authority = await createAuthority('test', systemClock)
    const subject = { commonName: 'shop.test', dnsNames: ['shop.test'], usages: ['server' as const] }
    const pair = await issueCertificate(authority, subject, systemClock)
    const base64 = (text: string) => Buffer.from(text).toString('base64')
    const backend = { service: { name: 'app', port: { number: 80 } } }
    await box.apply(
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: 'shop', namespace: 'default' },
        type: 'kubernetes.io/tls',
        data: { 'tls.crt': base64(pair.cert), 'tls.key': base64(pair.key) },
      },
      {
        apiVersion: 'networking.k8s.io/v1',
        kind: 'Ingress',
        metadata: { name: 'shop', namespace: 'default' },
        spec: {
          tls: [{ hosts: ['shop.test'], secretName: 'shop' }],
          rules: [{ host: 'shop.test', http: { paths: [{ path: '/', pathType: 'Exact', backend }] } }],
        },
      },
    )
    const ca = join(lan.folder, 'ca.pem')
    await box.machine.ok('sh', ['-c', `cat > ${ca}`], { stdin: authority.cert })
    const secure = ['--cacert', ca, '--resolve', `shop.test:443:${ip}`]
    await until('https', async () => (await curl(...secure, 'https://shop.test/')).out.startsWith('version 1'))
    expect((await curl(...secure, '--http2', '-w', '|%{http_version}', 'https://shop.test/')).out).toMatch(/\|2$/)
    expect((await curl(...secure, '-o', '/dev/null', '-w', '%{http_code}', 'https://shop.test/x')).out).toBe('404')
    expect((await curl('-o', '/dev/null', '-w', '%{redirect_url}', '-H', 'Host: shop.test', `http://${ip}/`)).out).toBe(
      'https://shop.test/',
    )
    trusted = createHash('sha256')
      .update(new X509Certificate(pair.cert).publicKey.export({ type: 'spki', format: 'der' }))
      .digest('base64')
    expect((await curl('--cacert', ca, '--resolve', `app.test:443:${ip}`, 'https://app.test/')).code).not.toBe(0)
  })

  it.skipIf(!onPath('chromium'))(
    'a browser shows what the gateway serves, by HTTPS where it is led there',
    async () => {
      const page = (url: string) =>
        lan.outside.ok('chromium', [
          ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run'],
          `--user-data-dir=${join(lan.folder, 'browser')}`,
          `--host-resolver-rules=MAP * ${ip}`,
          `--ignore-certificate-errors-spki-list=${trusted}`,
          '--dump-dom',
          url,
        ])
      for (const url of ['http://app.test/', 'http://shop.test/'])
        expect(await page(url)).toMatch(/<body>version 1 on app-/)
    },
  )

  it('a Gateway and an HTTPRoute lead there too, by weight and over https, and say so in their status', async () => {
    const backend = { name: 'app', port: 80 }
    const gatewayApi = (kind: string, name: string, spec: object) => ({
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind,
      metadata: { name, namespace: 'default' },
      spec,
    })
    await box.apply(
      gatewayApi('Gateway', 'web', {
        gatewayClassName: 'optiflow',
        listeners: [
          { name: 'http', port: 80, protocol: 'HTTP' },
          { name: 'more', port: 8088, protocol: 'HTTP' },
          { name: 'https', port: 443, protocol: 'HTTPS', tls: { certificateRefs: [{ name: 'shop' }] } },
        ],
      }),
      gatewayApi('HTTPRoute', 'site', {
        parentRefs: [{ name: 'web' }],
        hostnames: ['site.test'],
        rules: [
          {
            matches: [{ path: { value: '/old' } }],
            filters: [
              {
                type: 'RequestRedirect',
                requestRedirect: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' }, statusCode: 301 },
              },
            ],
          },
          {
            backendRefs: [backend],
            filters: [
              { type: 'ResponseHeaderModifier', responseHeaderModifier: { set: [{ name: 'x-by', value: 'route' }] } },
            ],
          },
        ],
      }),
    )
    await box.kubectl('wait', 'gateway/web', '--for=condition=Programmed', '--timeout=60s')
    await until('an answer', async () => (await ask('site.test')).startsWith('version 1 on app-'))
    expect(await box.kubectl('get', 'gateway', 'web')).toMatch(/^web +optiflow +10\.77\.0\.11 +True /m)
    expect((await curl('-D', '-', '-o', '/dev/null', '-H', 'Host: site.test', `http://${ip}/`)).out).toMatch(
      /^x-by: route/im,
    )
    expect(
      (
        await curl(
          '-o',
          '/dev/null',
          '-w',
          '%{http_code} %{redirect_url}',
          '-H',
          'Host: site.test',
          `http://${ip}/old/x`,
        )
      ).out,
    ).toBe('301 http://site.test/x')
    await until('the port of its own', async () =>
      (await curl('-H', 'Host: site.test', `http://${ip}:8088/`)).out.startsWith('version 1'),
    )
    expect((await curl('-k', '--resolve', `site.test:443:${ip}`, 'https://site.test/')).out).toMatch(/^version 1/)
    const { status } = await box.get('httproute', 'site')
    expect(status.parents[0].conditions.map((c: any) => [c.type, c.status])).toEqual([
      ['Accepted', 'True'],
      ['ResolvedRefs', 'True'],
    ])
    await box.kubectl('delete', 'gateway', 'web')
    await until('no answer', async () => (await ask('site.test')).endsWith('|404'))
    await until('its port let go', async () => (await curl(`http://${ip}:8088/`)).code === 7)
  })

  it('TCPRoutes and UDPRoutes lead on what comes as it is, at one number', async () => {
    const echo = box.machine.start(process.execPath, [
      '-e',
      `const s = require('dgram').createSocket('udp4'); s.on('message', (m, f) => s.send('heard ' + m, f.port, f.address)); s.bind(5300, '${ip}')`,
    ])
    const route = (kind: string, sectionName: string, backend: object) => ({
      apiVersion: `gateway.networking.k8s.io/${kind === 'TCPRoute' ? 'v1' : 'v1alpha2'}`,
      kind,
      metadata: { name: 'bare', namespace: 'default' },
      spec: { parentRefs: [{ name: 'bare', sectionName }], rules: [{ backendRefs: [backend] }] },
    })
    const listener = (protocol: string) => ({ name: protocol.toLowerCase(), port: 9100, protocol })
    await box.apply(
      {
        apiVersion: 'gateway.networking.k8s.io/v1',
        kind: 'Gateway',
        metadata: { name: 'bare', namespace: 'default' },
        spec: { gatewayClassName: 'optiflow', listeners: [listener('TCP'), listener('UDP')] },
      },
      route('TCPRoute', 'tcp', { name: 'app', port: 80 }),
      route('UDPRoute', 'udp', { name: 'echo', port: 53 }),
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'echo', namespace: 'default' },
        spec: { ports: [{ port: 53, protocol: 'UDP' }] },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'echo', namespace: 'default', labels: { 'kubernetes.io/service-name': 'echo' } },
        addressType: 'IPv4',
        ports: [{ port: 5300, protocol: 'UDP' }],
        endpoints: [{ addresses: [ip] }],
      },
    )
    await box.kubectl('wait', 'gateway/bare', '--for=condition=Programmed', '--timeout=60s')
    await until('an answer', async () => (await curl(`http://${ip}:9100/`)).out.startsWith('version 1 on app-'))
    const ask = `const s = require('dgram').createSocket('udp4'); s.on('message', m => { console.log(String(m)); s.close() }); s.send('hello', 9100, '${ip}'); setTimeout(() => process.exit(1), 2000).unref()`
    await until('an answer to a packet', async () =>
      (await lan.outside.run(process.execPath, ['-e', ask])).out.includes('heard hello'),
    )
    const { status } = await box.get('gateway', 'bare')
    expect(status.listeners.map((l: any) => [l.name, l.attachedRoutes])).toEqual([
      ['tcp', 1],
      ['udp', 1],
    ])
    await box.kubectl('delete', 'gateway/bare', 'tcproute/bare', 'udproute/bare', 'service/echo')
    await until('the port let go', async () => (await curl(`http://${ip}:9100/`)).code === 7)
    await echo.stop()
  })

  it('no request fails while the app is rolled over and pods are deleted, through the gateway or a Service', async () => {
    await box.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'port', namespace: 'default' },
      spec: {
        ...{ type: 'NodePort', selector: { 'optiflow.dev/workload': 'app' } },
        ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
      },
    })
    await until('the node port', async () => (await curl(`http://${ip}:30080/`)).out.startsWith('version 1'))
    const load = await startLoad(lan.outside, 150, [
      { name: 'gateway', url: `http://${ip}/`, host: 'app.test', keep: true },
      { name: 'Service', url: `http://${ip}:30080/` },
    ])
    await box.apply(workload('registry.test/web:2'))
    const allOfTwo = async () => {
      const { status } = await box.get('workload', 'app')
      const pods = await box.pods('optiflow.dev/workload=app')
      return (
        status.readyReplicas === 3 && pods.length === 3 && pods.every(p => p.spec.containers[0].image.endsWith(':2'))
      )
    }
    await until('version 2 alone', allOfTwo)
    const [first] = await box.pods('optiflow.dev/workload=app')
    await box.kubectl('delete', 'pod', first.metadata.name)
    await until('another in its place', allOfTwo)
    const results = await load.stop()
    for (const { name, got, perSecond, errors } of results)
      console.log(`${name}: ${JSON.stringify(got)} at ${perSecond} requests/s ${errors.join('; ')}`)
    expect(results.map(r => Object.keys(r.got))).toEqual([['ok'], ['ok']])
    await box.kubectl('delete', 'service', 'port')
  })

  it('a Service of type LoadBalancer answers at the address of the node, unless its port is taken', async () => {
    const service = (name: string, port: number) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: {
        type: 'LoadBalancer',
        selector: { 'optiflow.dev/workload': 'app' },
        ports: [{ port, targetPort: 8080 }],
      },
    })
    await box.apply(service('open', 9000), service('taken', 80))
    await until('an address', async () =>
      /^open +LoadBalancer +\S+ +10\.77\.0\.11 /m.test(await box.kubectl('get', 'service', 'open')),
    )
    await until('an answer', async () => (await curl(`http://${ip}:9000/`)).out.startsWith('version 2'))
    expect(await box.kubectl('describe', 'service', 'taken')).toContain(
      'port tcp/80 of the nodes is taken by the gateway',
    )
    await box.kubectl('delete', 'service', 'open', 'taken')
    await until('no answer', async () => (await curl(`http://${ip}:9000/`)).code !== 0)
  })

  it('a canary gets the part of the requests that its step says, until it is promoted', async () => {
    const step = async () => (await box.get('workload', 'app')).status
    await until('the app at rest', async () => (await step()).message === '3 of 3 ready')
    // Version 1 is the new one here.
    await box.apply(workload('registry.test/web:1', { update: { canary: { steps: [{ replicas: 1, weight: 20 }] } } }))
    await until('the canary', async () => (await ask('app.test')).startsWith('version 1'))
    await until('its turn to be promoted', async () => (await step()).message.includes('optiflow rollout promote'))
    // All on one connection, one after the other: 20 of a hundred, however they begin.
    const urls = Array.from({ length: 100 }, () => ['-w', '\\n', `http://${ip}/`]).flat()
    const { out } = await curl('-m', '30', '-H', 'Host: app.test', ...urls)
    const versions = out.match(/version \d/g)!
    expect([versions.length, versions.filter(v => v === 'version 1').length]).toEqual([100, 20])
    await box.optiflow('rollout', 'promote', 'app')
    const isDone = async () => {
      const { message, rollout, updatedReplicas } = await step()
      return !rollout && updatedReplicas === 3 && message === '3 of 3 ready'
    }
    await until('version 1 alone', isDone)
    const after = await curl('-m', '30', '-H', 'Host: app.test', ...urls.slice(0, 30))
    expect(new Set(after.out.match(/version \d/g))).toEqual(new Set(['version 1']))
  })

  it('an app that is gone answers no more', async () => {
    await box.kubectl('delete', 'workload', 'app')
    await until('nobody', async () => (await ask('app.test')).endsWith('|404'))
    expect(await ask('shop.test', '/nowhere')).toContain('|404')
  })

  it('a Service of type LoadBalancer has port 80 while nobody wants the gateway there, and keeps it', async () => {
    const ingresses = await box.get('ingresses')
    await box.kubectl('delete', 'ingresses,gateways', '--all')
    await box.apply({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'own', namespace: 'default', labels: { app: 'own' } },
      spec: { terminationGracePeriodSeconds: 0, containers: [{ name: 'web', image: 'registry.test/web:1' }] },
    })
    const spec = { type: 'LoadBalancer', selector: { app: 'own' }, ports: [{ port: 80, targetPort: 8080 }] }
    await box.apply({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'own', namespace: 'default' }, spec })
    await until('an answer', async () => (await curl(`http://${ip}/`)).out === 'version 1 on own\n')
    const [{ metadata, spec: wanted }] = ingresses.items
    const { name, namespace } = metadata
    await box.apply({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name, namespace },
      spec: wanted,
    })
    await until('the clash', async () =>
      (await box.kubectl('describe', 'ingress', name)).includes(
        `port 80 of ${ip} belongs to the load balancer of Service default/own`,
      ),
    )
    expect((await curl(`http://${ip}/`)).out).toBe('version 1 on own\n')
    await box.kubectl('delete', 'service', 'own')
    await until('the gateway', async () => (await ask('nobody.test')).endsWith('|404'))
  })
})
