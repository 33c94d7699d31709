import { request } from 'node:https'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createAuthority, issueCertificate, type KeyPair } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLogger } from '../../base/logger.ts'
import { systemNet } from '../../base/net.ts'
import type { AddressQuestion } from '../../models/address-question.ts'
import { Pod } from '../../models/kinds/core/pod.ts'
import { AgentMetrics } from '../metrics/agent-metrics.ts'
import { Fixture } from '../testing/fixture.ts'
import { delegatedAccess } from './access.ts'
import { checkAddress } from './address-checks.ts'
import { outcomeText } from './channels.ts'
import { checkpoint } from './checkpoints.ts'
import type { ServedNode } from './served-node.ts'
import { type AgentServer, openAgentServer } from './server.ts'

let fixture: Fixture
let server: AgentServer
let ca: KeyPair
let apiserver: KeyPair
let stranger: KeyPair

beforeAll(async () => {
  ca = await createAuthority('test', systemClock)
  const own = await issueCertificate(ca, { commonName: 'node-1', ips: ['127.0.0.1'], usages: ['server'] }, systemClock)
  apiserver = await issueCertificate(
    ca,
    { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'], usages: ['client'] },
    systemClock,
  )
  stranger = await issueCertificate(ca, { commonName: 'jane', usages: ['client'] }, systemClock)
  const access = delegatedAccess(
    {
      async create(kind: { kind: string }) {
        return { status: kind.kind === 'TokenReview' ? { authenticated: false } : { allowed: false } }
      },
    } as never,
    systemClock,
  )
  server = await openAgentServer({
    host: '127.0.0.1',
    port: 0,
    tls: { cert: own.cert, key: own.key, clientCa: ca.cert },
    access,
    log: silentLogger,
  })
  fixture = await new Fixture({ server, metrics: new AgentMetrics() }).start()
  await fixture.run('web', {}, { log: 'one\ntwo\nthree', 'cpu-millis': '250' })
})

afterAll(async () => {
  await fixture[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Sends it as it is, where clients would take out the steps back. */
function ask(
  path: string,
  { server, headers = {}, ...as }: Partial<KeyPair> & { server: AgentServer; headers?: object },
) {
  return new Promise<string>((resolve, reject) => {
    const at = { host: '127.0.0.1', port: server.port, path, ca: ca.cert, agent: false, headers: { ...headers }, ...as }
    request(at, answer => void answer.on('data', text => resolve(`${answer.statusCode} ${text}`.trim())))
      .on('upgrade', (answer, socket) => {
        socket.destroy()
        resolve(`${answer.statusCode}`)
      })
      .on('error', reject)
      .end()
  })
}

const toWebSocket = {
  ...{ connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
  ...{ 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==', 'sec-websocket-protocol': 'v5.channel.k8s.io' },
}

it.each([
  ['/metrics/../containerLogs/default/web/web', {}],
  ['/metrics/%2e%2E/containerLogs/default/web/web', {}],
  ['/metrics/../exec/default/web/web?command=ls&stdout=1', toWebSocket],
  ['/v2/../exec/default/web/web?command=ls&stdout=1', toWebSocket],
])('who may see metrics, and a node that may have images, come no further by steps back: %s', async (path, headers) => {
  const node = { commonName: 'system:node:node-2', organizations: ['system:nodes'], usages: ['client'] as const }
  const other = await issueCertificate(ca, { ...node, usages: [...node.usages] }, systemClock)
  const own = await issueCertificate(ca, { commonName: 'node-1', ips: ['127.0.0.1'], usages: ['server'] }, systemClock)
  await using monitored = await openAgentServer({
    ...{ host: '127.0.0.1', port: 0, log: silentLogger },
    tls: { cert: own.cert, key: own.key, clientCa: ca.cert },
    access: {
      identify: async certificate => ({
        username: certificate!.commonName,
        groups: certificate!.organizations,
      }),
      allows: async (_user, { subresource }) => subresource === 'metrics',
    },
  })
  monitored.add(fixture.agent.served)
  const verb = headers === toWebSocket ? 'create' : 'get'
  const user = 'system:node:node-2'
  expect(await ask(path, { server: monitored, headers, ...other })).toBe(
    `403 Forbidden (user=${user}, verb=${verb}, resource=nodes, subresource=proxy)`,
  )
})

it('a stream that is closed is not had by writing its name otherwise', async () => {
  const own = await issueCertificate(ca, { commonName: 'node-1', ips: ['127.0.0.1'], usages: ['server'] }, systemClock)
  await using narrow = await openAgentServer({
    ...{ host: '127.0.0.1', port: 0, log: silentLogger, closed: { debugging: true } },
    tls: { cert: own.cert, key: own.key, clientCa: ca.cert },
    access: { identify: async () => ({ username: 'a', groups: [] }), allows: async () => true },
  })
  narrow.add(fixture.agent.served)
  const run = (name: string) =>
    ask(`/${name}/default/web/web?command=ls&stdout=1`, { server: narrow, headers: toWebSocket, ...apiserver })
  expect(await run('exec')).toBe('405 Debug endpoints are disabled.')
  expect(await run('%65xec')).toMatch(/^404 no stream is served/)
  expect(await run('x/../exec')).toBe('405 Debug endpoints are disabled.')
})

it('answers nobody what is closed, and speaks no older TLS than it was told', async () => {
  const own = await issueCertificate(ca, { commonName: 'node-2', ips: ['127.0.0.1'], usages: ['server'] }, systemClock)
  await using narrow = await openAgentServer({
    host: '127.0.0.1',
    port: 0,
    tls: { cert: own.cert, key: own.key, clientCa: ca.cert },
    access: { identify: async () => ({ username: 'a', groups: [] }), allows: async () => true } as never,
    log: silentLogger,
    protocol: { minVersion: 'TLSv1.3' },
    closed: { debugging: true },
  })
  narrow.add({ nodeName: 'node-2' } as ServedNode)
  const ask = (path: string, more = {}) =>
    new Promise<string>(resolve => {
      const at = { host: '127.0.0.1', port: narrow.port, path, ca: ca.cert, agent: false, ...more }
      request(at, answer => void answer.on('data', text => resolve(`${answer.statusCode} ${text}`.trim())))
        .on('error', error => resolve((error as { code?: string }).code ?? error.message))
        .end()
    })
  expect(await ask('/containerLogs/default/web/main')).toBe('405 Debug endpoints are disabled.')
  expect(await ask('/containerLogs/default/web/main', { maxVersion: 'TLSv1.2' })).toMatch(
    /^(EPROTO|ECONNRESET|ERR_SSL)/,
  )
})

it('answers anybody at ports without TLS, and no more than is meant for them', async () => {
  const own = await issueCertificate(ca, { commonName: 'node-1', ips: ['127.0.0.1'], usages: ['server'] }, systemClock)
  await using open = await openAgentServer({
    host: '127.0.0.1',
    port: 0,
    tls: { cert: own.cert, key: own.key, clientCa: ca.cert },
    access: { identify: async () => undefined, allows: async () => false } as never,
    log: silentLogger,
    plain: [
      { host: '127.0.0.2', port: 10_255, answers: 'reading' },
      { host: '127.0.0.2', port: 10_248, answers: 'health' },
    ],
  })
  open.add({ nodeName: 'node-1', pods: () => [], clock: systemClock } as unknown as ServedNode)
  const ask = async (port: number, path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.2:${port}${path}`, { method })
    return `${answer.status} ${await answer.text()}`.trim()
  }
  expect(await ask(10_248, '/healthz')).toBe('200 ok')
  expect(await ask(10_248, '/pods')).toBe('404 404 page not found')
  expect(await ask(10_255, '/pods')).toBe('200 {"kind":"PodList","apiVersion":"v1","metadata":{},"items":[]}')
  for (const path of ['/configz', '/logs/', '/containerLogs/default/web/main', '/runningpods/'])
    expect([path, await ask(10_255, path)]).toEqual([path, '404 404 page not found'])
  expect(await ask(10_255, '/healthz', 'DELETE')).toBe('405 Method Not Allowed')
})

function get(path: string, as: KeyPair | null = apiserver, headers = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port: server.port, path, ca: ca.cert, headers, agent: false, ...(as ?? {}) },
      reply => {
        let body = ''
        reply.on('data', chunk => (body += chunk))
        reply.on('end', () => resolve({ status: reply.statusCode!, body }))
      },
    )
    call.on('error', reject)
    call.end()
  })
}

function post(path: string, body: object): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', host: 'real' }
    const to = { host: '127.0.0.1', port: server.port, servername: 'node-1', ca: ca.cert, ...apiserver }
    const options = { ...to, method: 'POST', path, headers }
    const call = request({ ...options, agent: false }, reply => {
      let text = ''
      reply.on('data', chunk => (text += chunk))
      reply.on('end', () => resolve({ status: reply.statusCode!, body: text }))
    })
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })
}

function open(path: string, protocol: string): WebSocket {
  return new WebSocket(`wss://127.0.0.1:${server.port}${path}`, protocol, { ca: ca.cert, ...apiserver })
}

/** What came on each channel until the end. */
function collect(socket: WebSocket): Promise<{ channels: Record<number, string>; code: number }> {
  const channels: Record<number, string> = {}
  return new Promise((resolve, reject) => {
    socket.on('message', (data: Buffer) => {
      channels[data[0]!] = (channels[data[0]!] ?? '') + data.subarray(1).toString()
    })
    socket.on('close', code => resolve({ channels, code }))
    socket.on('error', reject)
  })
}

describe('the agent’s server', () => {
  it('serves nobody without a certificate or token, and only who may', async () => {
    expect(await get('/pods', null)).toEqual({ status: 401, body: 'Unauthorized\n' })
    expect((await get('/pods', null, { authorization: 'Bearer x' })).status).toBe(401)
    expect(await get('/metrics/resource', stranger)).toEqual({
      status: 403,
      body: 'Forbidden (user=jane, verb=get, resource=nodes, subresource=metrics)\n',
    })
    expect((await get('/constructor', stranger)).body).toBe(
      'Forbidden (user=jane, verb=get, resource=nodes, subresource=proxy)\n',
    )
    expect(await get('/healthz')).toEqual({ status: 200, body: 'ok' })
  })

  it('lists its pods, and how much they use', async () => {
    const list = JSON.parse((await get('/pods')).body)
    expect(list.items.map((p: any) => p.metadata.name)).toEqual(['web'])
    const stats = JSON.parse((await get('/stats/summary')).body)
    expect(stats.pods[0]).toMatchObject({
      podRef: { name: 'web', namespace: 'default' },
      containers: [{ name: 'web' }],
    })
    expect((await get('/metrics/resource')).body).toMatch(
      /container_cpu_usage_seconds_total\{container="web",namespace="default",pod="web"\} /,
    )
  })

  it('tells what containers use by the names of cAdvisor, and which pods run', async () => {
    const { status, body } = await get('/metrics/cadvisor')
    expect(status).toBe(200)
    expect(body).toMatch(
      /^container_cpu_usage_seconds_total\{container="web",id="\/kubepods\/besteffort\/pod[\w-]+\/\w+",image="[^"]+",name="\w+",namespace="default",pod="web",cpu="total"\} [\d.]+$/m,
    )
    expect(body).toMatch(/^container_network_receive_bytes_total\{container="",.*,pod="web",interface="eth0"\} \d+$/m)
    const running = JSON.parse((await get('/runningpods/')).body)
    expect(running).toMatchObject({
      kind: 'PodList',
      items: [{ metadata: { name: 'web' }, spec: { containers: [{}] } }],
    })
  })

  it('tells who asked it', async () => {
    await get('/healthz')
    const { body } = await get('/metrics')
    expect(body).toMatch(/^kubelet_http_requests_total\{method="GET",path="healthz",.*\} \d+$/m)
  })

  it('counts what came of probes, as long as their pod is there', async () => {
    await fixture.run('probed', {
      containers: [
        {
          name: 'app',
          image: 'app:1',
          readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1, failureThreshold: 1 },
        },
      ],
    } as never)
    await fixture.advance(3_000)
    const labels = 'container="app",namespace="default",pod="probed"'
    const { status, body } = await get('/metrics/probes')
    expect(status).toBe(200)
    const total = new RegExp(
      `^prober_probe_total{${labels},pod_uid="[\\w-]+",probe_type="Readiness",result="successful"} (\\d+)$`,
      'm',
    )
    const count = Number(total.exec(body)?.[1])
    expect(count).toBeGreaterThanOrEqual(3)
    const duration = `prober_probe_duration_seconds_bucket{${labels},probe_type="Readiness",le="+Inf"} ${count}`
    expect(body.split('\n')).toContain(duration)
    await fixture.api.client.delete(Pod, { namespace: 'default', name: 'probed' })
    await fixture.advance(40_000)
    expect((await get('/metrics/probes')).body).not.toContain('probed')
  })

  it('tells how well it is in the way that monitoring of a kubelet asks for', async () => {
    const line = (body: string, name: string) => body.split('\n').find(each => each.startsWith(name))
    const total = 'kubernetes_healthchecks_total{name="syncloop",status="success",type="healthz"}'
    const first = await get('/metrics/slis')
    expect(first.status).toBe(200)
    expect(line(first.body, 'kubernetes_healthcheck{name="ping"')).toBe(
      'kubernetes_healthcheck{name="ping",type="healthz"} 1',
    )
    expect([line(first.body, total), line((await get('/metrics/slis')).body, total)]).toEqual([
      `${total} 1`,
      `${total} 2`,
    ])
  })

  it('tells its settings as a kubelet does', async () => {
    const { kubeletconfig } = JSON.parse((await get('/configz')).body)
    expect(kubeletconfig).toMatchObject({
      kind: 'KubeletConfiguration',
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      port: server.port,
      maxPods: 110,
      nodeStatusUpdateFrequency: '10s',
      evictionHard: { 'memory.available': '100Mi', 'nodefs.inodesFree': '5%' },
      evictionPressureTransitionPeriod: '5m0s',
      containerLogMaxSize: '10Mi',
    })
  })

  it('lets nodes have images, and nothing else; this one has none', async () => {
    const subject = { commonName: 'system:node:node-2', organizations: ['system:nodes'] }
    const other = await issueCertificate(ca, { ...subject, usages: ['client'] }, systemClock)
    expect(await get('/v2/library/web/manifests/1', other)).toEqual({
      status: 404,
      body: 'this node does not give its images to others\n',
    })
    expect((await get('/pods', other)).status).toBe(403)
    expect((await get('/v2/', stranger)).status).toBe(403)
  })

  it('has running containers written down, and says why when that cannot be', async () => {
    const ask = (path: string) => post(`/checkpoint/default/${path}`, {})
    expect(await ask('web/web')).toEqual({
      status: 500,
      body: 'checkpointing of default/web/web failed (the runtime simulated of node node-1 cannot write containers down)\n',
    })
    expect((await ask('web/web?timeout=soon')).status).toBe(404)
    expect((await ask('web/other')).body).toContain('container "other" not found')
    expect((await ask('gone/web')).status).toBe(404)
    const written: unknown[] = []
    const node = {
      ...fixture.agent.served,
      checkpointFolder: '/kubelet/checkpoints',
      runtime: { ...fixture.runtime, checkpoint: async (...call: unknown[]) => void written.push(call.slice(1)) },
    } as unknown as ServedNode
    const path = await checkpoint(node, fixture.pod('web')!, 'web', '7')
    expect(path).toMatch(/^\/kubelet\/checkpoints\/checkpoint-web_default-web-2026-.*\.tar$/)
    expect(written).toEqual([[path, 7_000]])
  })

  it("serves the machine's logs to who may read them; a simulated node has none", async () => {
    expect((await get('/logs/', stranger)).body).toContain('resource=nodes, subresource=log')
    expect(await get('/logs/')).toEqual({ status: 404, body: 'a simulated node has no machine, and no logs of one\n' })
  })

  it('gives logs, whole and in part', async () => {
    expect(await get('/containerLogs/default/web/web')).toEqual({ status: 200, body: 'one\ntwo\nthree\n' })
    expect((await get('/containerLogs/default/web/web?tailLines=1')).body).toBe('three\n')
    expect((await get('/containerLogs/default/web/nope')).status).toBe(404)
    expect(await get('/containerLogs/default/web/web?previous=true')).toEqual({
      status: 400,
      body: 'previous terminated container "web" in pod "web" not found\n',
    })
    expect((await get('/containerLogs/default/web/web?tailLines=-1')).status).toBe(422)
  })

  it('runs commands over WebSocket and reports how they ended', async () => {
    const { channels, code } = await collect(
      open('/exec/default/web/web?command=echo&command=hello&output=1&error=1', 'v5.channel.k8s.io'),
    )
    expect(channels).toEqual({ 1: 'hello\n', 3: '{"metadata":{},"status":"Success"}' })
    expect(code).toBe(1000)
  })

  it('passes standard input on, until its half is closed', async () => {
    const socket = open('/exec/default/web/web?command=cat&input=1&output=1', 'v5.channel.k8s.io')
    const all = collect(socket)
    await new Promise(resolve => socket.on('open', resolve))
    socket.send(Buffer.from('\0some text'))
    socket.send(Buffer.from([255, 0]))
    expect((await all).channels).toEqual({ 1: 'some text', 3: '{"metadata":{},"status":"Success"}' })
  })

  it('a program’s end waits for the last of its output, however slowly that goes out', async () => {
    const socket = open('/exec/default/web/web?command=sh&input=1&output=1', 'v5.channel.k8s.io')
    const all = collect(socket)
    await new Promise(resolve => socket.on('open', resolve))
    const words = Array.from({ length: 2_000 }, (_, i) => `word ${i}`)
    socket.send(Buffer.from(`\0${words.map(word => `echo ${word}\n`).join('')}exit\n`))
    expect((await all).channels).toEqual({
      1: words.map(word => `${word}\n`).join(''),
      3: '{"metadata":{},"status":"Success"}',
    })
  })

  it('forwards ports', async () => {
    const socket = open('/portForward/default/web?port=8080', 'v4.channel.k8s.io')
    const all = collect(socket)
    await new Promise(resolve => socket.on('open', resolve))
    socket.send(Buffer.from('\0GET / HTTP/1.0\r\n\r\n'))
    const { channels } = await all
    expect(channels[0]).toContain('simulated pod default/web port 8080')
  })

  it('answers plainly when there is nothing to join', async () => {
    const socket = open('/exec/default/gone/web?command=ls', 'v5.channel.k8s.io')
    const status = await new Promise(resolve => {
      socket.on('unexpected-response', (_request, reply) => resolve(reply.statusCode))
      socket.on('error', () => {})
    })
    expect(status).toBe(404)
  })
})

describe('the outcome of a command', () => {
  it('is a Status since version 4, and text before', () => {
    expect(JSON.parse(outcomeText({ exitCode: 3 }, true))).toEqual({
      metadata: {},
      status: 'Failure',
      message: 'command terminated with non-zero exit code: exit status 3',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '3' }] },
    })
    expect(outcomeText({ exitCode: 0 }, false)).toBe('')
    expect(outcomeText({ error: 'no such program' }, false)).toBe('no such program')
  })
})

it('says whether an address outside is well, as this node sees it', async () => {
  const real = { nodeName: 'real', checkAddress: (question: AddressQuestion) => checkAddress(systemNet, question) }
  server.add(real as never)
  const check = { tcp: {}, timeoutSeconds: 1 }
  const well = await post('/optiflow/check', { address: `127.0.0.1:${server.port}`, check })
  expect(well).toEqual({ status: 200, body: '{}' })
  const failing = await post('/optiflow/check', { address: '127.0.0.1:1', check })
  expect(JSON.parse(failing.body).problem).toContain('ECONNREFUSED')
  expect(await post('/optiflow/check', { address: 'db:1', check })).toMatchObject({
    status: 400,
    body: '"db:1" is no address with a port, such as 10.0.0.5:5432\n',
  })
  server.remove(real as never)
})
