import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigMap } from '../models/kinds/core/config-map.ts'
import { Event } from '../models/kinds/core/event.ts'
import { Node } from '../models/kinds/core/node.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import { Secret } from '../models/kinds/core/secret.ts'
import { forever, RealNode, until } from './testing/real-node.ts'

let node: RealNode

beforeAll(async () => {
  node = await RealNode.open('10.219.16.0/20')
})

afterAll(async () => {
  try {
    expect(await node.leaks()).toEqual([])
  } finally {
    await node[Symbol.asyncDispose]()
  }
})

describe('with real containers', () => {
  it('the node has the machine’s capacity and its runtime’s version', async () => {
    const found = await node.client.get(Node, { name: 'node-1' })
    expect(Number(found.status!.capacity!['cpu'])).toBeGreaterThan(0)
    expect(found.status!.nodeInfo!.containerRuntimeVersion).toMatch(/^containerd:\/\/\d/)
    await until('ready', async () =>
      (await node.client.get(Node, { name: 'node-1' })).status!.conditions!.find(c => c.type === 'Ready')?.status ===
      'True'
        ? true
        : undefined,
    )
  })

  it('a pod runs, shows its addresses, and leaves nothing when it goes', async () => {
    await node.run('plain', {})
    const pod = await node.isReady('plain')
    expect(pod.status).toMatchObject({ phase: 'Running', podIP: expect.stringMatching(/^10\.219\./) })
    expect(await node.inside('plain', 'cat', '/etc/hosts')).toContain(`${pod.status!.podIP}\tplain`)
    expect(await node.inside('plain', 'cat', '/etc/resolv.conf')).toContain('search test.svc.cluster.local')
    expect(await node.inside('plain', 'hostname')).toBe('plain\n')
    await node.remove('plain')
    expect((await node.bench.runtime.observe()).filter(p => p.name === 'plain')).toEqual([])
    expect(await readdir(join(node.folder, 'pods'))).toEqual([])
  })

  it('a container sees its variables, its volumes and their updates', async () => {
    await node.client.create<ConfigMap>(ConfigMap, {
      metadata: { name: 'settings', namespace: 'test' },
      data: { color: 'red', 'app.conf': 'level=1' },
    })
    await node.client.create<Secret>(Secret, {
      metadata: { name: 'keys', namespace: 'test' },
      data: { password: Buffer.from('hunter2').toString('base64') },
    })
    await node.run('full', {
      containers: [
        node.sh(`echo "$COLOR $PASSWORD $NAME $IP $GREETING" ; ${forever}`, {
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
    const pod = await node.isReady('full')
    await until('output', async () => ((await node.output('full')) ? true : undefined))
    expect(await node.output('full')).toBe(`red hunter2 full ${pod.status!.podIP} I am full\n`)
    expect(await node.inside('full', 'sh', '-c', 'cat /settings/color /keys/password /one.conf /labels/labels')).toBe(
      'redhunter2level=1app="full"',
    )
    expect(
      await node.inside(
        'full',
        'sh',
        '-c',
        'stat -c %a:%g /keys/..data/password /scratch; grep -c " /fast tmpfs" /proc/mounts',
      ),
    ).toBe('440:2000\n2777:2000\n1\n')
    expect(await node.inside('full', 'ls', '/var/run/secrets/kubernetes.io/serviceaccount')).toBe(
      'ca.crt\nnamespace\ntoken\n',
    )
    expect(await node.inside('full', 'sh', '-c', 'echo x > /settings/color')).toContain('Read-only file system')

    const map = await node.client.get(ConfigMap, { namespace: 'test', name: 'settings' })
    await node.client.update(ConfigMap, { ...map, data: { ...map.data, color: 'blue' } })
    await until(
      'the new color',
      async () => ((await node.inside('full', 'cat', '/settings/color')) === 'blue' ? true : undefined),
      5_000,
    )
    await node.remove('full')
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(node.folder)
  })

  it('a subPath that leads out of its volume is refused', async () => {
    await node.run('escape', {
      initContainers: [
        node.sh('ln -s /etc /data/link', { name: 'prepare', volumeMounts: [{ name: 'data', mountPath: '/data' }] }),
      ],
      containers: [node.sh(forever, { volumeMounts: [{ name: 'data', mountPath: '/host', subPath: 'link/ssl' }] })],
      volumes: [{ name: 'data', emptyDir: {} }],
    })
    const waiting = await until(
      'refusal',
      async () => (await node.get('escape')).status?.containerStatuses?.[0]?.state?.waiting?.message,
    )
    expect(waiting).toMatch(/leads out of its volume/)
    await node.remove('escape')
  })

  it('a missing ConfigMap is named, and the pod starts soon after it appears', async () => {
    await node.run('late', { containers: [node.sh(forever, { envFrom: [{ configMapRef: { name: 'later' } }] })] })
    const waiting = await until('the reason', async () => {
      const found = (await node.get('late')).status?.containerStatuses?.[0]?.state?.waiting
      return found?.reason === 'CreateContainerConfigError' ? found : undefined
    })
    expect(waiting.message).toBe('configmap "later" not found')
    await node.client.create<ConfigMap>(ConfigMap, { metadata: { name: 'later', namespace: 'test' }, data: { A: 'b' } })
    await node.isReady('late')
    await node.remove('late')
  })

  it('crashes are counted, last words are kept, and restarts wait', async () => {
    await node.run('crash', { containers: [node.sh('echo -n bye > /dev/termination-log; exit 4')] })
    const status = await until('back-off', async () => {
      const found = (await node.get('crash')).status?.containerStatuses?.[0]
      return found?.state?.waiting?.reason === 'CrashLoopBackOff' ? found : undefined
    })
    expect(status).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 4, message: 'bye', reason: 'Error' } },
    })
    await node.remove('crash')
  })

  it('probes over http, tcp and exec decide who is ready and who is killed', async () => {
    await node.run('probed', {
      containers: [
        node.sh(`mkdir -p /www; echo ok > /www/ok; touch /tmp/alive; httpd -p 8080 -h /www; ${forever}`, {
          ports: [{ name: 'web', containerPort: 8080 }],
          startupProbe: { tcpSocket: { port: 'web' } },
          readinessProbe: { httpGet: { port: 'web', path: '/ok' } },
          livenessProbe: { exec: { command: ['cat', '/tmp/alive'] }, periodSeconds: 1, failureThreshold: 1 },
        }),
      ],
    })
    await node.isReady('probed')
    await node.inside('probed', 'rm', '/tmp/alive')
    await until('restart', async () =>
      (await node.get('probed')).status!.containerStatuses![0]!.restartCount === 1 ? true : undefined,
    )
    await node.isReady('probed')
    const events = (await node.client.list(Event, { namespace: 'test' })).items.filter(
      e => e.involvedObject.name === 'probed',
    )
    expect(events.map(e => e.reason)).toEqual(expect.arrayContaining(['Unhealthy', 'Killing', 'Started']))
    await node.remove('probed')
  })

  it('hooks run after the start and before the stop', async () => {
    await node.run('hooked', {
      terminationGracePeriodSeconds: 10,
      volumes: [{ name: 'out', hostPath: { path: join(node.folder, 'out'), type: 'DirectoryOrCreate' } }],
      containers: [
        node.sh(forever, {
          volumeMounts: [{ name: 'out', mountPath: '/out' }],
          lifecycle: {
            postStart: { exec: { command: ['sh', '-c', 'echo start >> /out/log'] } },
            preStop: { exec: { command: ['sh', '-c', 'echo stop >> /out/log'] } },
          },
        }),
      ],
    })
    await node.isReady('hooked')
    await node.remove('hooked')
    expect(await readFile(join(node.folder, 'out/log'), 'utf8')).toBe('start\nstop\n')
  })

  it('the agent is replaced and no container notices', async () => {
    await node.run('steady', {})
    const before = (await node.isReady('steady')).status!.containerStatuses![0]!
    await node.stopAgent()
    await node.startAgent()
    await new Promise(resolve => setTimeout(resolve, 500))
    const after = (await node.get('steady')).status!.containerStatuses![0]!
    expect(after).toEqual(before)
    await node.stopAgent()
    await node.client.delete(Pod, { namespace: 'test', name: 'steady' }, { gracePeriodSeconds: 0 })
    await node.startAgent()
    await until('the orphan gone', async () => ((await node.bench.runtime.observe()).length === 0 ? true : undefined))
  })
})
