import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { createAuthority, createTokenKey, issueCertificate } from '../base/certificates.ts'
import { systemClock } from '../base/clock.ts'
import { systemNet } from '../base/net.ts'
import { openMemoryStore } from '../db/index.ts'
import { type ApiServer, createApiServer, type Listening } from './index.ts'

let folder: string
let kubeconfig: string
let api: ApiServer
let listening: Listening
let agent: Server
const asked: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-kubectl-'))
  kubeconfig = join(folder, 'kubeconfig')
  const ca = await createAuthority('test', systemClock)
  const [server, admin] = await Promise.all([
    issueCertificate(ca, { commonName: 'api', ips: ['127.0.0.1'], usages: ['server'] }, systemClock),
    issueCertificate(
      ca,
      { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'] },
      systemClock,
    ),
  ])
  agent = await startAgent()
  const agentPort = (agent.address() as AddressInfo).port
  api = await createApiServer({
    store: await openMemoryStore(),
    tokenKeys: await createTokenKey(),
    nodes: {
      open: (node, { method, path, headers, signal }) =>
        systemNet.stream(`http://${node.host}:${node.port}${path}`, { method, headers, signal }),
    },
  })
  listening = await api.listen({
    host: '127.0.0.1',
    port: 0,
    tls: { cert: server.cert, key: server.key, clientCa: ca.cert },
  })
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: listening.url, 'certificate-authority-data': base64(ca.cert) } }],
      users: [
        { name: 'u', user: { 'client-certificate-data': base64(admin.cert), 'client-key-data': base64(admin.key) } },
      ],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
    { mode: 0o600 },
  )
  await kubectl(
    ['create', '-f', '-'],
    `
apiVersion: v1
kind: Node
metadata: {name: n1}
status:
  addresses: [{type: InternalIP, address: 127.0.0.1}]
  daemonEndpoints: {kubeletEndpoint: {Port: ${agentPort}}}
`,
  )
})
afterAll(async () => {
  await api.close()
  agent.close()
  await rm(folder, { recursive: true })
})

interface Ran {
  out: string
  err: string
  code: number
}

function kubectl(args: string[], input = '', env: Record<string, string> = {}): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(
      'kubectl',
      ['--kubeconfig', kubeconfig, '--cache-dir', join(folder, 'cache'), ...args],
      { timeout: 60_000, env: { ...process.env, ...env } },
      (error, out, err) => resolve({ out, err, code: error ? Number(error.code ?? 1) : 0 }),
    )
    child.stdin!.end(input)
  })
}

/** Runs it, and it must work. */
async function ok(command: string, input = '', env: Record<string, string> = {}): Promise<string> {
  const ran = await kubectl(command.split(' '), input, env)
  expect(ran, command).toMatchObject({ code: 0, err: '' })
  return ran.out
}

/** Answers as an agent does: logs, and an exec that says hello and ends with the code that the command names. */
async function startAgent(): Promise<Server> {
  const server = createServer((request, reply) => {
    asked.push(request.url!)
    if (request.url!.startsWith('/containerLogs/')) {
      reply.writeHead(200, { 'content-type': 'text/plain' })
      reply.write('first\n')
      setTimeout(() => reply.end('second\n'), 50)
    } else reply.writeHead(404).end('no such thing here')
  })
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: protocols => [...protocols][0]! })
  server.on('upgrade', (request, socket, head) => {
    asked.push(request.url!)
    sockets.handleUpgrade(request, socket, head, ws => {
      const code = new URL(request.url!, 'http://x').searchParams.get('command')
      ws.send(Buffer.from('\u0001hello\n'))
      const status =
        code === '0'
          ? { status: 'Success' }
          : {
              status: 'Failure',
              reason: 'NonZeroExitCode',
              message: 'no',
              details: { causes: [{ reason: 'ExitCode', message: code }] },
            }
      ws.send(Buffer.from(`\u0003${JSON.stringify(status)}`))
      ws.close(1000)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server
}

const manifest = (value: string) => `
apiVersion: v1
kind: ConfigMap
metadata: {name: applied}
data: {k: ${value}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, labels: {app: front}}
spec:
  replicas: 1
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front}}
    spec: {containers: [{name: web, image: "web:${value}", ports: [{containerPort: 80}]}]}
`

test('what is there: version, resources, explanations', async () => {
  expect(await ok('version')).toContain('Server Version: v1.32')
  const resources = await ok('api-resources')
  for (const line of [
    'pods po v1 true Pod',
    'deployments deploy apps/v1 true Deployment',
    'workloads wl optiflow.dev/v1 true Workload',
  ])
    expect(resources.replace(/ +/g, ' ')).toContain(line)
  expect((await ok('api-versions')).split('\n')).toEqual(expect.arrayContaining(['v1', 'apps/v1', 'optiflow.dev/v1']))
  expect(await ok('explain deployment.spec.template.spec.containers.image')).toContain('FIELD: image <string>')
  expect(await ok('explain workload.spec --recursive')).toContain('replicas')
  expect(await ok('get --raw /readyz')).toBe('ok')
  expect(await ok('auth can-i create deployments')).toBe('yes\n')
  expect(await ok('auth whoami')).toContain('kubernetes-admin')
  expect(await ok('cluster-info')).toContain('is running at')
})

test('create, get, label, annotate, patch, edit, scale, delete', async () => {
  await ok('create configmap cm --from-literal=a=b')
  await ok('create secret generic s --from-literal=p=q')
  await ok('create deployment web --image=nginx --replicas=2')
  await ok('create namespace team')
  await ok('create serviceaccount robot')
  await ok('create role reader --verb=get --resource=pods')
  await ok('create rolebinding rb --role=reader --serviceaccount=default:robot')
  await ok('create job once --image=busybox')
  await ok('create cronjob often --image=busybox --schedule=@hourly')
  await ok('create ingress in --rule=a.b/*=svc:80')
  await ok('create quota q --hard=pods=5')
  await ok('create service clusterip svc --tcp=80:8080')
  await ok('create poddisruptionbudget pdb --selector=app=web --min-available=1')
  await ok('create priorityclass high --value=1000')
  expect((await ok('create token robot')).split('.')).toHaveLength(3)
  expect(await ok('get cm,secret,deploy,job,cronjob,ingress -o name')).toContain('deployment.apps/web')
  await ok('label cm cm x=y')
  await ok('annotate cm cm note=hi')
  await ok('patch cm cm -p {"data":{"c":"d"}}')
  expect(await ok('get cm -l x=y -o jsonpath={.items[*].data.c}')).toBe('d')
  await ok('edit cm cm', '', { EDITOR: 'sed -i s/c:.d/c:\\ edited/' })
  expect(await ok('get cm cm -o jsonpath={.data.c}')).toBe('edited')
  await ok('scale deployment web --replicas=5')
  await ok('set image deployment/web nginx=nginx:2')
  await ok('autoscale deployment web --max=9')
  await ok('expose deployment web --port=80')
  expect(await ok('get deploy web -o jsonpath={.spec.replicas}{.spec.template.spec.containers[0].image}')).toBe(
    '5nginx:2',
  )
  expect(await ok('get deploy web')).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +0\/5 +0 +0 +\d+s\n$/)
  expect(await ok('describe deployment web')).toContain('Pod Template:')
  await ok('delete deployment web')
  await ok('delete cm,secret --all')
  expect((await kubectl(['get', 'cm', 'cm'])).err).toBe('Error from server (NotFound): configmaps "cm" not found\n')
})

test('apply is three-way, knows what is unchanged, diffs and prunes', async () => {
  expect(await ok('apply -f -', manifest('one'))).toBe('configmap/applied created\ndeployment.apps/front created\n')
  expect(await ok('apply -f -', manifest('one'))).toBe('configmap/applied unchanged\ndeployment.apps/front unchanged\n')
  await ok('label deployment front by=hand')
  await ok('scale deployment front --replicas=1')
  const changed = await kubectl(['diff', '-f', '-'], manifest('two'))
  expect([changed.code, changed.out.includes('+        - image: web:two') || changed.out.includes('web:two')]).toEqual([
    1,
    true,
  ])
  expect(await ok('apply -f -', manifest('two'))).toBe(
    'configmap/applied configured\ndeployment.apps/front configured\n',
  )
  expect(await ok('get deploy front -o jsonpath={.metadata.labels.by}{.spec.template.spec.containers[0].image}')).toBe(
    'handweb:two',
  )
  const strict = await kubectl(['apply', '-f', '-'], manifest('x').replace('replicas', 'replica'))
  expect(strict.err).toContain('unknown field "spec.replica"')
  const invalid = await kubectl(['apply', '-f', '-'], manifest('x').replace('name: web,', 'name: W_W,'))
  expect(invalid.err).toContain('spec.template.spec.containers[0].name: Invalid value: "W_W"')
  await ok('replace -f -', manifest('three'))
  await ok('delete -f -', manifest('three'))
})

test('server-side apply owns its fields, and another owner of one is a conflict that force settles', async () => {
  const own = (value: string) => `
apiVersion: v1
kind: ConfigMap
metadata: {name: owned}
data: {k: ${value}}
`
  await ok('apply --server-side -f -', own('one'))
  await ok('patch cm owned --type=merge -p {"data":{"k":"two"}}')
  const refused = await kubectl(['apply', '--server-side', '-f', '-'], own('three'))
  expect(refused.err).toMatch(/Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: \.data\.k/)
  await ok('apply --server-side --force-conflicts -f -', own('three'))
  expect(await ok('get cm owned -o jsonpath={.data.k}')).toBe('three')
  expect(await ok('get cm owned -o yaml --show-managed-fields')).toContain('operation: Apply')
})

test('pods: run, describe, logs, exec, wait', async () => {
  await ok('run p --image=busybox')
  expect(await ok('get pod p -o wide')).toMatch(/p +0\/1 +Pending/)
  expect(await ok('describe pod p')).toContain('kube-api-access-')
  await ok(
    'create --raw /api/v1/namespaces/default/pods/p/binding -f -',
    '{"metadata":{"name":"p"},"target":{"kind":"Node","name":"n1"}}',
  )
  const running = '{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}'
  expect((await kubectl(['patch', 'pod', 'p', '--subresource=status', '--type=merge', '-p', running])).code).toBe(0)
  await ok('wait pod/p --for=condition=Ready --timeout=5s')
  expect(await ok('logs p')).toBe('first\nsecond\n')
  expect(await ok('logs -f p --tail=5')).toBe('first\nsecond\n')
  expect(asked).toContain('/containerLogs/default/p/p?follow=true&tailLines=5')
  expect(await ok('exec p -- 0')).toBe('hello\n')
  const failed = await kubectl(['exec', 'p', '--', '3'])
  expect([failed.out, failed.code]).toEqual(['hello\n', 3])
  await ok('delete pod p --wait=false')
})

test('watching prints changes as they come', async () => {
  await ok('create configmap watched')
  const later = kubectl(['get', 'cm', '-w', '--request-timeout=4s', '--output-watch-events'])
  await new Promise(resolve => setTimeout(resolve, 1500))
  await ok('label cm watched c=d')
  await ok('delete cm watched')
  const { out } = await later
  expect(out).toMatch(/MODIFIED +watched/)
  expect(out).toMatch(/DELETED +watched/)
})
