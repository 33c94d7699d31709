import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { admin, startTestServer, type TestServer } from '../apiserver/testing/test-server.ts'
import { createTokenKey } from '../base/certificates.ts'
import { systemClock } from '../base/clock.ts'
import { systemCommands } from '../base/commands.ts'
import { systemDisk } from '../base/disk.ts'
import { createLogger, silentLogger } from '../base/logger.ts'
import { systemNet } from '../base/net.ts'
import { systemRandom } from '../base/random.ts'
import { type Client, createClient, inProcessTransport } from '../client/index.ts'
import { ConfigMap } from '../models/kinds/core/config-map.ts'
import { Event } from '../models/kinds/core/event.ts'
import { Namespace } from '../models/kinds/core/namespace.ts'
import { Node } from '../models/kinds/core/node.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import { Secret } from '../models/kinds/core/secret.ts'
import { ServiceAccount } from '../models/kinds/core/service-account.ts'
import type { Container, PodSpec } from '../models/types/core-v1.ts'
import { type ContainerdBench, openContainerdBench } from '../runtime/testing/containerd-bench.ts'
import { type Agent, createAgent } from './agent.ts'

let bench: ContainerdBench
let server: TestServer
let client: Client
let agent: Agent
let folder: string
const log = process.env['OPTIFLOW_TEST_LOG'] ? createLogger('debug') : silentLogger

const newAgent = () =>
  createAgent({
    nodeName: 'node-1',
    client,
    runtime: bench.runtime,
    clock: systemClock,
    random: systemRandom,
    disk: systemDisk,
    net: systemNet,
    commands: systemCommands,
    log,
    folder,
    addresses: [
      { type: 'InternalIP', address: '127.0.0.1' },
      { type: 'Hostname', address: 'node-1' },
    ],
    clusterDns: ['10.96.0.10'],
    reserved: {},
  })

beforeAll(async () => {
  bench = await openContainerdBench({ subnet: '10.219.16.0/20' })
  folder = await mkdtemp('/tmp/optiflow-agent-')
  server = await startTestServer({ tokenKeys: await createTokenKey() })
  client = createClient(inProcessTransport(server.api.handler, admin))
  await client.create<Namespace>(Namespace, { metadata: { name: 'test' }, spec: {} }).catch(() => {})
  await client.create<ServiceAccount>(ServiceAccount, { metadata: { name: 'default', namespace: 'test' } })
  await client.create<ConfigMap>(ConfigMap, {
    metadata: { name: 'kube-root-ca.crt', namespace: 'test' },
    data: { 'ca.crt': 'CA' },
  })
  agent = newAgent()
  await agent.start()
  await agent.registered
})

afterAll(async () => {
  try {
    for (const pod of (await client.list(Pod)).items)
      await client.delete(Pod, { namespace: 'test', name: pod.metadata.name }, { gracePeriodSeconds: 0 })
    await until('all pods gone', async () => ((await bench.runtime.observe()).length === 0 ? true : undefined))
    await agent.stop()
    // Control groups are in one place for all containerds of a machine: the runtime's own suite counts them.
    expect((await bench.leaks()).filter(leak => !leak.includes('cgroup'))).toEqual([])
  } finally {
    await agent.stop()
    await bench[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }
})

async function until<T>(what: string, holds: () => Promise<T | undefined>, withinMs = 30_000): Promise<T> {
  const end = performance.now() + withinMs
  for (;;) {
    const found = await holds()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

const sh = (script: string, more: Partial<Container> = {}): Container => ({
  name: 'main',
  image: bench.image,
  imagePullPolicy: 'IfNotPresent',
  command: ['sh', '-c', `trap 'exit 0' TERM; ${script}`],
  ...more,
})
const forever = 'while true; do sleep 0.1; done'

async function run(name: string, spec: Partial<PodSpec>): Promise<Pod> {
  return client.create<Pod>(Pod, {
    metadata: { name, namespace: 'test', labels: { app: name } },
    spec: { nodeName: 'node-1', containers: [sh(forever)], terminationGracePeriodSeconds: 2, ...spec } as PodSpec,
  })
}

const get = (name: string) => client.get(Pod, { namespace: 'test', name })
const isReady = (name: string) =>
  until(`${name} ready`, async () => {
    const pod = await get(name)
    return pod.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True') ? pod : undefined
  })
const remove = async (name: string) => {
  await client.delete(Pod, { namespace: 'test', name })
  await until(`${name} gone`, async () => (await get(name).catch(() => undefined)) === undefined || undefined)
}

async function output(name: string, container = 'main'): Promise<string> {
  const pod = (await bench.runtime.observe()).find(p => p.name === name)!
  const newest = pod.containers.filter(c => c.name === container).sort((a, b) => b.attempt - a.attempt)[0]!
  const parts: Uint8Array[] = []
  for await (const part of bench.runtime.logs(newest.id, {}, new AbortController().signal)) parts.push(part)
  return Buffer.concat(parts).toString()
}

async function inside(name: string, ...command: string[]): Promise<string> {
  const pod = (await bench.runtime.observe()).find(p => p.name === name)!
  const running = pod.containers.find(c => c.state === 'running')!
  const { stdout, stderr } = await bench.runtime.exec(running.id, command, 5_000)
  return stdout + stderr
}

describe('with real containers', () => {
  it('the node has the machine’s capacity and its runtime’s version', async () => {
    const node = await client.get(Node, { name: 'node-1' })
    expect(Number(node.status!.capacity!['cpu'])).toBeGreaterThan(0)
    expect(node.status!.nodeInfo!.containerRuntimeVersion).toMatch(/^containerd:\/\/\d/)
    await until('ready', async () =>
      (await client.get(Node, { name: 'node-1' })).status!.conditions!.find(c => c.type === 'Ready')?.status === 'True'
        ? true
        : undefined,
    )
  })

  it('a pod runs, shows its addresses, and leaves nothing when it goes', async () => {
    await run('plain', {})
    const pod = await isReady('plain')
    expect(pod.status).toMatchObject({ phase: 'Running', podIP: expect.stringMatching(/^10\.219\./) })
    expect(await inside('plain', 'cat', '/etc/hosts')).toContain(`${pod.status!.podIP}\tplain`)
    expect(await inside('plain', 'cat', '/etc/resolv.conf')).toContain('search test.svc.cluster.local')
    expect(await inside('plain', 'hostname')).toBe('plain\n')
    await remove('plain')
    expect((await bench.runtime.observe()).filter(p => p.name === 'plain')).toEqual([])
    expect(await readdir(join(folder, 'pods'))).toEqual([])
  })

  it('a container sees its variables, its volumes and their updates', async () => {
    await client.create<ConfigMap>(ConfigMap, {
      metadata: { name: 'settings', namespace: 'test' },
      data: { color: 'red', 'app.conf': 'level=1' },
    })
    await client.create<Secret>(Secret, {
      metadata: { name: 'keys', namespace: 'test' },
      data: { password: Buffer.from('hunter2').toString('base64') },
    })
    await run('full', {
      containers: [
        sh(`echo "$COLOR $PASSWORD $NAME $IP $GREETING" ; ${forever}`, {
          env: [
            { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
            { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'keys', key: 'password' } } },
            { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
            { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'GREETING', value: 'I am $(NAME)' },
          ],
          volumeMounts: [
            { name: 'settings', mountPath: '/settings' },
            { name: 'settings', mountPath: '/one.conf', subPath: 'app.conf' },
            { name: 'keys', mountPath: '/keys' },
            { name: 'scratch', mountPath: '/scratch' },
            { name: 'fast', mountPath: '/fast' },
            { name: 'labels', mountPath: '/labels' },
          ],
        }),
      ],
      securityContext: { fsGroup: 2000 },
      volumes: [
        { name: 'settings', configMap: { name: 'settings' } },
        { name: 'keys', secret: { secretName: 'keys', defaultMode: 0o400 } },
        { name: 'scratch', emptyDir: {} },
        { name: 'fast', emptyDir: { medium: 'Memory' } },
        { name: 'labels', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
      ],
    })
    const pod = await isReady('full')
    await until('output', async () => ((await output('full')) ? true : undefined))
    expect(await output('full')).toBe(`red hunter2 full ${pod.status!.podIP} I am full\n`)
    expect(await inside('full', 'sh', '-c', 'cat /settings/color /keys/password /one.conf /labels/labels')).toBe(
      'redhunter2level=1app="full"',
    )
    expect(
      await inside(
        'full',
        'sh',
        '-c',
        'stat -c %a:%g /keys/..data/password /scratch; grep -c " /fast tmpfs" /proc/mounts',
      ),
    ).toBe('440:2000\n2777:2000\n1\n')
    expect(await inside('full', 'ls', '/var/run/secrets/kubernetes.io/serviceaccount')).toBe(
      'ca.crt\nnamespace\ntoken\n',
    )
    expect(await inside('full', 'sh', '-c', 'echo x > /settings/color')).toContain('Read-only file system')

    const map = await client.get(ConfigMap, { namespace: 'test', name: 'settings' })
    await client.update(ConfigMap, { ...map, data: { ...map.data, color: 'blue' } })
    await until(
      'the new color',
      async () => ((await inside('full', 'cat', '/settings/color')) === 'blue' ? true : undefined),
      5_000,
    )
    await remove('full')
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder)
  })

  it('a subPath that leads out of its volume is refused', async () => {
    await run('escape', {
      initContainers: [
        sh('ln -s /etc /data/link', { name: 'prepare', volumeMounts: [{ name: 'data', mountPath: '/data' }] }),
      ],
      containers: [sh(forever, { volumeMounts: [{ name: 'data', mountPath: '/host', subPath: 'link/ssl' }] })],
      volumes: [{ name: 'data', emptyDir: {} }],
    })
    const waiting = await until(
      'refusal',
      async () => (await get('escape')).status?.containerStatuses?.[0]?.state?.waiting?.message,
    )
    expect(waiting).toMatch(/leads out of its volume/)
    await remove('escape')
  })

  it('a missing ConfigMap is named, and the pod starts soon after it appears', async () => {
    await run('late', { containers: [sh(forever, { envFrom: [{ configMapRef: { name: 'later' } }] })] })
    const waiting = await until('the reason', async () => {
      const found = (await get('late')).status?.containerStatuses?.[0]?.state?.waiting
      return found?.reason === 'CreateContainerConfigError' ? found : undefined
    })
    expect(waiting.message).toBe('configmap "later" not found')
    await client.create<ConfigMap>(ConfigMap, { metadata: { name: 'later', namespace: 'test' }, data: { A: 'b' } })
    await isReady('late')
    await remove('late')
  })

  it('crashes are counted, last words are kept, and restarts wait', async () => {
    await run('crash', { containers: [sh('echo -n bye > /dev/termination-log; exit 4')] })
    const status = await until('back-off', async () => {
      const found = (await get('crash')).status?.containerStatuses?.[0]
      return found?.state?.waiting?.reason === 'CrashLoopBackOff' ? found : undefined
    })
    expect(status).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 4, message: 'bye', reason: 'Error' } },
    })
    await remove('crash')
  })

  it('probes over http, tcp and exec decide who is ready and who is killed', async () => {
    await run('probed', {
      containers: [
        sh(`mkdir -p /www; echo ok > /www/ok; touch /tmp/alive; httpd -p 8080 -h /www; ${forever}`, {
          ports: [{ name: 'web', containerPort: 8080 }],
          startupProbe: { tcpSocket: { port: 'web' } },
          readinessProbe: { httpGet: { port: 'web', path: '/ok' } },
          livenessProbe: { exec: { command: ['cat', '/tmp/alive'] }, periodSeconds: 1, failureThreshold: 1 },
        }),
      ],
    })
    await isReady('probed')
    await inside('probed', 'rm', '/tmp/alive')
    await until('restart', async () =>
      (await get('probed')).status!.containerStatuses![0]!.restartCount === 1 ? true : undefined,
    )
    await isReady('probed')
    const events = (await client.list(Event, { namespace: 'test' })).items.filter(
      e => e.involvedObject.name === 'probed',
    )
    expect(events.map(e => e.reason)).toEqual(expect.arrayContaining(['Unhealthy', 'Killing', 'Started']))
    await remove('probed')
  })

  it('hooks run after the start and before the stop', async () => {
    await run('hooked', {
      terminationGracePeriodSeconds: 10,
      volumes: [{ name: 'out', hostPath: { path: join(folder, 'out'), type: 'DirectoryOrCreate' } }],
      containers: [
        sh(forever, {
          volumeMounts: [{ name: 'out', mountPath: '/out' }],
          lifecycle: {
            postStart: { exec: { command: ['sh', '-c', 'echo start >> /out/log'] } },
            preStop: { exec: { command: ['sh', '-c', 'echo stop >> /out/log'] } },
          },
        }),
      ],
    })
    await isReady('hooked')
    await remove('hooked')
    expect(await readFile(join(folder, 'out/log'), 'utf8')).toBe('start\nstop\n')
  })

  it('the agent is replaced and no container notices', async () => {
    await run('steady', {})
    const before = (await isReady('steady')).status!.containerStatuses![0]!
    await agent.stop()
    agent = newAgent()
    await agent.start()
    await new Promise(resolve => setTimeout(resolve, 500))
    const after = (await get('steady')).status!.containerStatuses![0]!
    expect(after).toEqual(before)
    await agent.stop()
    await client.delete(Pod, { namespace: 'test', name: 'steady' }, { gracePeriodSeconds: 0 })
    agent = newAgent()
    await agent.start()
    await until('the orphan gone', async () => ((await bench.runtime.observe()).length === 0 ? true : undefined))
  })
})
