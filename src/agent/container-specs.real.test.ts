import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigMap } from '../models/kinds/core/config-map.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import { Secret } from '../models/kinds/core/secret.ts'
import { RuntimeClass } from '../models/kinds/node/runtime-class.ts'
import type { Container } from '../models/types/core-v1.ts'
import { busyboxImage } from '../runtime/testing/containerd-bench.ts'
import { forever, RealNode, until } from './testing/real-node.ts'

let node: RealNode
let entry: string

beforeAll(async () => {
  node = await RealNode.open('10.219.80.0/20')
  const files = [{ path: 'entry', data: '#!/bin/sh\necho "$0 $*"\n', mode: 0o755 }]
  const image = await busyboxImage({ files, entrypoint: ['/entry'], cmd: ['by', 'default'] })
  entry = node.bench.registry.push('test/entry', '1', image)
})

afterAll(async () => {
  try {
    expect(await node.leaks()).toEqual([])
  } finally {
    await node[Symbol.asyncDispose]()
  }
})

describe('what the conformance suite asks of commands and variables', () => {
  it('image and pod say what is run; variables are put in where they are known, and nowhere else', async () => {
    await node.client.create<ConfigMap>(ConfigMap, {
      metadata: { name: 'vars', namespace: 'test' },
      data: { A: 'a', 'b.c': 'dotted' },
    })
    await node.client.create<Secret>(Secret, {
      metadata: { name: 'vars', namespace: 'test' },
      data: { S: Buffer.from('secret').toString('base64') },
    })
    const shell = (script: string, more: Partial<Container> = {}): Partial<Container> => ({
      image: node.bench.image,
      command: ['sh', '-c', script],
      ...more,
    })
    const one = { env: [{ name: 'ONE', value: 'first' }] }
    const cases: [name: string, container: Partial<Container>, says: string][] = [
      ['as-image', {}, '/entry by default\n'],
      ['args', { args: ['override', 'arguments'] }, '/entry override arguments\n'],
      ['command', { command: ['/entry'] }, '/entry \n'],
      ['both', { command: ['/entry', 'one'], args: ['two'] }, '/entry one two\n'],
      [
        'env',
        shell('echo $TWO', { env: [...one.env, { name: 'TWO', value: '$(ONE);;$(NONE);;$$(ONE)' }] }),
        'first;;$(NONE);;$(ONE)\n',
      ],
      ['in-command', shell('echo $(ONE)', one), 'first\n'],
      ['in-args', { command: ['sh', '-c'], args: ["echo '$(ONE) $$(ONE)'"], ...one }, 'first $(ONE)\n'],
      [
        'from',
        shell('echo "$A $p_A $S $p_S"; tr "\\0" "\\n" < /proc/1/environ | grep dotted', {
          envFrom: [
            { configMapRef: { name: 'vars' } },
            { prefix: 'p_', configMapRef: { name: 'vars' } },
            { secretRef: { name: 'vars' } },
            { secretRef: { name: 'no-such-secret', optional: true } },
          ],
        }),
        'a a secret \np_b.c=dotted\nb.c=dotted\n',
      ],
      [
        'keys',
        shell('echo "$A $S .$NO."', {
          env: [
            { name: 'A', valueFrom: { configMapKeyRef: { name: 'vars', key: 'A' } } },
            { name: 'S', valueFrom: { secretKeyRef: { name: 'vars', key: 'S' } } },
            { name: 'NO', valueFrom: { secretKeyRef: { name: 'vars', key: 'no', optional: true } } },
          ],
        }),
        'a secret ..\n',
      ],
    ]
    for (const [name, container] of cases)
      await node.run(`say-${name}`, {
        restartPolicy: 'Never',
        containers: [{ name: 'main', image: entry, imagePullPolicy: 'IfNotPresent', ...container }],
      })
    const said: Record<string, string> = {}
    for (const [name] of cases) {
      await node.ends(`say-${name}`)
      said[name] = await node.output(`say-${name}`)
    }
    const sorted = (text: string) => text.split('\n').sort().join('\n')
    expect({ ...said, from: sorted(said['from']!) }).toEqual(
      Object.fromEntries(cases.map(([name, , says]) => [name, name === 'from' ? sorted(says) : says])),
    )
  })
})

describe('what the conformance suite asks of containers beside the main ones', () => {
  it('an init container that fails is tried again for ever, and nothing else starts', async () => {
    await node.run('init-again', {
      initContainers: [node.sh('exit 1', { name: 'fails' }), node.sh('true', { name: 'later' })],
    })
    const { status } = await node.when(
      'init-again',
      'tried again',
      pod => (pod.status?.initContainerStatuses?.[0]?.restartCount ?? 0) >= 1,
    )
    expect(status).toMatchObject({
      phase: 'Pending',
      initContainerStatuses: [
        { name: 'fails', ready: false, lastState: { terminated: { exitCode: 1, reason: 'Error' } } },
        { name: 'later', ready: false, restartCount: 0, state: { waiting: { reason: 'PodInitializing' } } },
      ],
      containerStatuses: [{ ready: false, started: false, state: { waiting: { reason: 'PodInitializing' } } }],
    })
    await node.remove('init-again')
  })

  it('init containers run one after the other, before the others, in a pod that goes on and one that ends', async () => {
    for (const restartPolicy of ['Always', 'Never'] as const) {
      const name = `inits-${restartPolicy.toLowerCase()}`
      const volumeMounts = [{ name: 'w', mountPath: '/w' }]
      const step = (text: string) => node.sh(`echo ${text} >> /w/log`, { name: text, volumeMounts })
      await node.run(name, {
        restartPolicy,
        volumes: [{ name: 'w', emptyDir: {} }],
        initContainers: [step('one'), step('two')],
        containers: [node.sh(`cat /w/log${restartPolicy === 'Always' ? `; ${forever}` : ''}`, { volumeMounts })],
      })
      const pod = restartPolicy === 'Always' ? await node.isReady(name) : await node.ends(name)
      await until('its words', async () => ((await node.output(name)) ? true : undefined))
      expect(await node.output(name)).toBe('one\ntwo\n')
      expect(
        pod.status!.initContainerStatuses!.map(s => [s.ready, s.restartCount, s.state!.terminated!.exitCode]),
      ).toEqual([
        [true, 0, 0],
        [true, 0, 0],
      ])
      expect(pod.status!.conditions!.find(c => c.type === 'Initialized')?.status).toBe('True')
    }
    await node.remove('inits-always')
  })

  it('an ephemeral container joins a running pod, sees its processes, and does not restart', async () => {
    await node.run('debugged', { shareProcessNamespace: true })
    await node.isReady('debugged')
    const debug = { ...node.sh('ps | grep -c "[s]leep 0.1"; exit 3'), name: 'debug' }
    await node.client.patch<Pod>(
      Pod,
      { namespace: 'test', name: 'debugged' },
      { type: 'strategic', body: { spec: { ephemeralContainers: [debug] } } },
      { subresource: 'ephemeralcontainers' },
    )
    const { status } = await node.when(
      'debugged',
      'looked at',
      pod => pod.status?.ephemeralContainerStatuses?.[0]?.state?.terminated,
    )
    expect(status).toMatchObject({
      phase: 'Running',
      ephemeralContainerStatuses: [{ name: 'debug', restartCount: 0, state: { terminated: { exitCode: 3 } } }],
    })
    await node.remove('debugged')
  })

  it('hooks over http reach another pod after the start and before the stop', async () => {
    const serve = 'mkdir /www; touch /www/start /www/stop; httpd -f -vv -p 8080 -h /www'
    await node.run('asked', {
      containers: [node.sh(serve, { readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } })],
    })
    const { status } = await node.isReady('asked')
    const hook = (path: string) => ({ httpGet: { host: status!.podIP!, port: 8080, path } })
    await node.run('asks', {
      terminationGracePeriodSeconds: 15,
      containers: [node.sh(forever, { lifecycle: { postStart: hook('/start'), preStop: hook('/stop') } })],
    })
    await node.isReady('asks')
    await node.remove('asks')
    const asked = [...(await node.output('asked')).matchAll(/url:(\S+)/g)].map(([, path]) => path)
    expect(asked).toEqual(['/start', '/stop'])
    await node.remove('asked')
  })

  it('a runtime that the node has not is told, and the pod waits', async () => {
    await node.client.create<RuntimeClass>(RuntimeClass, { metadata: { name: 'odd' }, handler: 'no-such-handler' })
    await node.run('odd', { runtimeClassName: 'odd' })
    const told = await until('the reason', async () =>
      (await node.events('odd')).find(event => event.startsWith('FailedCreatePodSandBox: ')),
    )
    expect(told).toContain('no-such-handler')
    expect((await node.get('odd')).status!.phase).toBe('Pending')
    await node.remove('odd')
  })
})
