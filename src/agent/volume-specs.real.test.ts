import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { ConfigMap } from '../models/kinds/core/config-map.ts'
import { Node } from '../models/kinds/core/node.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import { Secret } from '../models/kinds/core/secret.ts'
import type { DownwardAPIVolumeFile, KeyToPath, PodSecurityContext, Volume } from '../models/types/core-v1.ts'
import { Connection } from '../runtime/cri/connection.ts'
import { memorySource } from '../runtime/cri/import-image.ts'
import { buildImage } from '../runtime/oci-image.ts'
import { busyboxImage } from '../runtime/testing/containerd-bench.ts'
import { forever, RealNode, until } from './testing/real-node.ts'

let node: RealNode

beforeAll(async () => {
  node = await RealNode.open('10.219.64.0/20')
})

afterAll(async () => {
  try {
    expect(await node.leaks()).toEqual([])
  } finally {
    await node[Symbol.asyncDispose]()
  }
})

const base64 = (text: string) => Buffer.from(text).toString('base64')
const configMap = (name: string, data: Record<string, string>) =>
  node.client.create<ConfigMap>(ConfigMap, { metadata: { name, namespace: 'test' }, data })
const secret = (name: string, data: Record<string, string>) =>
  node.client.create<Secret>(Secret, {
    metadata: { name, namespace: 'test' },
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
  })
/** Each volume at `/v/NAME`. */
const mounted = (volumes: Volume[]) => ({
  volumes,
  volumeMounts: volumes.map(({ name }) => ({ name, mountPath: `/v/${name}` })),
})

/** What each kind of written volume holds as key `data`, by how its modes are said. */
function writtenVolumes(): { volume: Volume; path: string; mode: number }[] {
  const field = (path: string, mode?: number): DownwardAPIVolumeFile => ({
    path,
    fieldRef: { fieldPath: 'metadata.name' },
    ...(mode === undefined ? {} : { mode }),
  })
  const key = (path: string, mode?: number): KeyToPath => ({
    key: 'data',
    path,
    ...(mode === undefined ? {} : { mode }),
  })
  const kinds: [
    string,
    (items: KeyToPath[] | undefined, files: DownwardAPIVolumeFile[], defaultMode?: number) => object,
  ][] = [
    ['config', (items, _, defaultMode) => ({ configMap: { name: 'modes', items, defaultMode } })],
    ['secret', (items, _, defaultMode) => ({ secret: { secretName: 'modes', items, defaultMode } })],
    ['down', (_, items, defaultMode) => ({ downwardAPI: { items, defaultMode } })],
    [
      'p-config',
      (items, _, defaultMode) => ({ projected: { sources: [{ configMap: { name: 'modes', items } }], defaultMode } }),
    ],
    [
      'p-secret',
      (items, _, defaultMode) => ({ projected: { sources: [{ secret: { name: 'modes', items } }], defaultMode } }),
    ],
    ['p-down', (_, items, defaultMode) => ({ projected: { sources: [{ downwardAPI: { items } }], defaultMode } })],
  ]
  return kinds.flatMap(([kind, make]) => {
    const of = (name: string, path: string, mode: number, source: object) => {
      const volume = JSON.parse(JSON.stringify({ name: `${kind}-${name}`, ...source })) as Volume
      return { volume, path: `/v/${volume.name}/${path}`, mode }
    }
    return [
      of('plain', 'data', 0o644, make(undefined, [field('data')])),
      of('default', 'data', 0o400, make(undefined, [field('data')], 0o400)),
      of('mapped', 'path/to/data', 0o644, make([key('path/to/data')], [field('path/to/data')])),
      of('item', 'path/to/data', 0o400, make([key('path/to/data', 0o400)], [field('path/to/data', 0o400)])),
    ]
  })
}

describe('what the conformance suite asks of written volumes', () => {
  beforeAll(async () => {
    await configMap('modes', { data: 'value' })
    await secret('modes', { data: 'value' })
  })

  it.each<[name: string, PodSecurityContext, group: number, readable: (mode: number) => boolean]>([
    ['root', {}, 0, () => true],
    ['user', { runAsUser: 1000 }, 0, mode => mode === 0o644],
    ['grouped', { runAsUser: 1000, fsGroup: 1001 }, 1001, () => true],
  ])(
    'every mode is as asked for, and everybody reads what he may: %s',
    async (name, securityContext, group, readable) => {
      const all = writtenVolumes()
      const { volumes, volumeMounts } = mounted(all.map(({ volume }) => volume))
      const look = all.map(({ path }) => `echo "${path} $(stat -L -c '%a %u:%g' ${path}) $(cat ${path} 2>/dev/null)"`)
      await node.run(`modes-${name}`, {
        restartPolicy: 'Never',
        securityContext,
        volumes,
        containers: [node.sh(look.join('; '), { volumeMounts })],
      })
      await node.ends(`modes-${name}`)
      const expected = all.map(({ path, mode, volume }) => {
        // A group that is to read them is let read.
        const seen = (group ? mode | 0o440 : mode).toString(8)
        const text = /down/.test(volume.name) ? `modes-${name}` : 'value'
        return `${path} ${seen} 0:${group} ${readable(mode) ? text : ''}\n`
      })
      expect(await node.output(`modes-${name}`)).toBe(expected.join(''))
    },
  )

  it('changes are seen by running pods: of keys, of bytes, of optional sources that come and go, of labels', async () => {
    await configMap('changing', { data: 'one' })
    await secret('going', { data: 'here' })
    const optional = { optional: true }
    const { volumes, volumeMounts } = mounted([
      { name: 'config', configMap: { name: 'changing' } },
      { name: 'coming', configMap: { name: 'coming', ...optional } },
      { name: 'going', secret: { secretName: 'going', ...optional } },
      { name: 'absent', secret: { secretName: 'modes', items: [{ key: 'no-such-key', path: 'x' }], ...optional } },
      {
        name: 'all',
        projected: {
          sources: [
            { configMap: { name: 'changing' } },
            { secret: { name: 'coming', items: [{ key: 'data', path: 'secret' }], ...optional } },
            { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
          ],
        },
      },
      { name: 'notes', downwardAPI: { items: [{ path: 'notes', fieldRef: { fieldPath: 'metadata.annotations' } }] } },
    ])
    await node.run('changes', { volumes, containers: [node.sh(forever, { volumeMounts })] }, { note: 'one' })
    await node.isReady('changes')
    const seen = () => node.inside('changes', 'sh', '-c', 'cd /v; for f in */*; do echo "$f=$(cat $f)"; done')
    expect(await seen()).toBe(
      'all/data=one\nall/labels=app="changes"\nconfig/data=one\ngoing/data=here\nnotes/notes=note="one"\n',
    )
    const map = await node.client.get(ConfigMap, { namespace: 'test', name: 'changing' })
    await Promise.all([
      node.client.update(ConfigMap, { ...map, data: { data: 'two' }, binaryData: { bytes: base64('dump') } }),
      configMap('coming', { late: 'come' }),
      secret('coming', { data: 'come' }),
      node.client.delete(Secret, { namespace: 'test', name: 'going' }),
      node.client.patch(
        Pod,
        { namespace: 'test', name: 'changes' },
        { type: 'merge', body: { metadata: { labels: { more: 'yes' }, annotations: { note: 'two' } } } },
      ),
    ])
    const wanted =
      'all/bytes=dump\nall/data=two\nall/labels=app="changes"\nmore="yes"\nall/secret=come\n' +
      'coming/late=come\nconfig/bytes=dump\nconfig/data=two\nnotes/notes=note="two"\n'
    let last = ''
    await until('all changes', async () => ((last = await seen()) === wanted ? true : undefined)).catch(() => {})
    expect(last).toBe(wanted)
    await node.remove('changes')
  })

  it('a source that is not optional keeps the pod from starting, and says why', async () => {
    const key = { items: [{ key: 'no-such-key', path: 'x' }] }
    const cases: [name: string, source: Omit<Volume, 'name'>, why: RegExp][] = [
      ['no-config', { configMap: { name: 'nothing' } }, /configmap "nothing" not found/],
      ['no-secret', { secret: { secretName: 'nothing' } }, /secret "nothing" not found/],
      ['no-config-key', { configMap: { name: 'modes', ...key } }, /non-existent config key: no-such-key/],
      ['no-secret-key', { secret: { secretName: 'modes', ...key } }, /non-existent secret key: no-such-key/],
    ]
    for (const [name, source] of cases) {
      const { volumes, volumeMounts } = mounted([{ name: 'v', ...source }])
      await node.run(name, { volumes, containers: [node.sh(forever, { volumeMounts })] })
    }
    for (const [name, , why] of cases) {
      const told = await until(`the reason of ${name}`, async () =>
        (await node.events(name)).find(event => event.startsWith('FailedMount: ')),
      )
      expect(told).toMatch(why)
      expect((await node.get(name)).status!.phase).toBe('Pending')
      await node.remove(name)
    }
  })
})

describe('what the conformance suite asks of the downward API', () => {
  it('names, addresses and resources, of the node where the container has no limits', async () => {
    const resources = ['limits.cpu', 'limits.memory', 'requests.cpu', 'requests.memory']
    const file = (containerName: string, resource: string): DownwardAPIVolumeFile => ({
      path: `${containerName}/${resource}`,
      resourceFieldRef: { containerName, resource, ...(resource.endsWith('cpu') ? { divisor: '1m' } : {}) },
    })
    const items = ['sized', 'free'].flatMap(name => resources.map(resource => file(name, resource)))
    const { volumes, volumeMounts } = mounted([{ name: 'down', downwardAPI: { items } }])
    const fields = {
      NAME: 'metadata.name',
      SPACE: 'metadata.namespace',
      UID: 'metadata.uid',
      IP: 'status.podIP',
      HOST: 'status.hostIP',
    }
    const env = Object.entries(fields).map(([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { fieldPath } } }))
    const CPU = { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } }
    const sized = { requests: { cpu: '250m', memory: '32Mi' }, limits: { cpu: '1250m', memory: '64Mi' } }
    const look = `cd /v/down; for f in */*; do echo "$f=$(cat $f)"; done; echo "$NAME $SPACE $UID $IP $HOST $CPU"; ${forever}`
    await node.run('downward', {
      volumes,
      containers: [
        node.sh(look, { name: 'sized', resources: sized, volumeMounts, env: [...env, CPU] }),
        node.sh(forever, { name: 'free' }),
      ],
    })
    const { metadata, status } = await node.isReady('downward')
    const { cpu, memory } = (await node.client.get(Node, { name: 'node-1' })).status!.allocatable!
    const bytes = Number.parseInt(memory!, 10) * (memory!.endsWith('Ki') ? 1024 : 1)
    await until('its words', async () =>
      (await node.output('downward', 'sized')).includes('downward test') ? true : undefined,
    )
    expect(await node.output('downward', 'sized')).toBe(
      `free/limits.cpu=${Number(cpu) * 1000}\nfree/limits.memory=${bytes}\nfree/requests.cpu=0\nfree/requests.memory=0\n` +
        `sized/limits.cpu=1250\nsized/limits.memory=67108864\nsized/requests.cpu=250\nsized/requests.memory=33554432\n` +
        `downward test ${metadata.uid} ${status!.podIP} 127.0.0.1 2\n`,
    )
    await node.remove('downward')
  })
})

describe('what the conformance suite asks of empty folders', () => {
  it.each(['', 'Memory'] as const)(
    'files have the modes that they are given, by root and others: medium "%s"',
    async medium => {
      const name = `empty-${medium.toLowerCase() || 'disk'}`
      const { volumes, volumeMounts } = mounted([{ name: 'e', emptyDir: medium ? { medium, sizeLimit: '8Mi' } : {} }])
      const make = (user: string) =>
        ['644', '666', '777']
          .map(mode => `f=/v/e/${user}-${mode}; echo hi > $f; chmod ${mode} $f; stat -c '%n %a %u' $f`)
          .join('; ')
      const size = medium ? '; df -m /v/e | tail -n1 | tr -s " " | cut -d" " -f1,2' : ''
      await node.run(name, {
        restartPolicy: 'Never',
        volumes,
        initContainers: [node.sh(`stat -c %a /v/e; ${make('root')}`, { name: 'root', volumeMounts })],
        containers: [
          node.sh(`${make('user')}; cat /v/e/root-644${size}`, { volumeMounts, securityContext: { runAsUser: 1001 } }),
        ],
      })
      expect((await node.ends(name)).status!.phase).toBe('Succeeded')
      const made = (user: string, uid: number) =>
        ['644', '666', '777'].map(mode => `/v/e/${user}-${mode} ${mode} ${uid}\n`).join('')
      // A tmpfs comes with the sticky bit, which stays.
      expect(await node.output(name, 'root')).toBe(`${medium ? 1777 : 777}\n${made('root', 0)}`)
      expect(await node.output(name)).toBe(`${made('user', 1001)}hi\n${medium ? 'tmpfs 8\n' : ''}`)
      await node.remove(name)
    },
  )
})

describe('images as volumes', () => {
  const model = (version: string) =>
    buildImage({
      architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
      layers: [
        [
          { path: 'weights', data: 'of the layer below' },
          { path: 'readme', data: 'kept' },
        ],
        [
          { path: 'weights', data: version },
          { path: 'run', data: '#!/bin/sh\necho ran\n', mode: 0o755 },
        ],
      ],
    })
  const look = `cat /v/m/weights /v/m/readme; echo; sh -c 'echo x > /v/m/weights' 2>&1; ${forever}`

  it('are pulled and mounted read-only, and nothing of them stays', async () => {
    const reference = node.bench.registry.push('models/small', '1', model('one'))
    const { volumes, volumeMounts } = mounted([{ name: 'm', image: { reference } }])
    await node.run('imaged', { volumes, containers: [node.sh(look, { volumeMounts })] })
    await node.isReady('imaged')
    await until('its words', async () => ((await node.output('imaged')).includes('Read-only') ? true : undefined))
    expect(await node.output('imaged')).toBe("onekept\nsh: can't create /v/m/weights: Read-only file system\n")
    await until('the event of its pull', async () =>
      (await node.events('imaged')).includes(`Pulling: Pulling image "${reference}"`) ? true : undefined,
    )
    await node.remove('imaged')
    expect(await views()).toEqual([])
  })

  it('that are not there hold up only who mounts them, until they are', async () => {
    const reference = node.bench.registry.push('models/late', '0', model('none')).replace(/:0$/, ':1')
    const { volumes, volumeMounts } = mounted([{ name: 'm', image: { reference, pullPolicy: 'IfNotPresent' } }])
    const reader = node.sh(look, { name: 'reader', volumeMounts })
    await node.run('lacking', { volumes, containers: [node.sh(forever), reader] })
    const stateOf = (pod: Pod, name: string) => pod.status?.containerStatuses?.find(s => s.name === name)?.state
    const lacking = await node.when('lacking', 'half running', pod => {
      const why = stateOf(pod, 'reader')?.waiting?.reason ?? ''
      return stateOf(pod, 'main')?.running && ['ErrImagePull', 'ImagePullBackOff'].includes(why)
    })
    expect(lacking.status!.phase).toBe('Pending')
    expect(node.bench.registry.push('models/late', '1', model('one'))).toBe(reference)
    const ready = await node.isReady('lacking')
    expect(ready.status!.containerStatuses!.map(s => s.restartCount)).toEqual([0, 0])
    await node.remove('lacking')
    expect(await views()).toEqual([])
  })

  it('can come from elsewhere than a registry, as those of containers can', async () => {
    const { contents } = node.bench.runtime
    const image = await busyboxImage({
      files: [
        { path: 'weights', data: 'peer' },
        { path: 'readme', data: 'kept' },
      ],
    })
    await contents!.take('peers.test/app:1', memorySource(image), new AbortController().signal)
    const { volumes, volumeMounts } = mounted([{ name: 'm', image: { reference: 'peers.test/app:1' } }])
    const container = node.sh(look, { image: 'peers.test/app:1', imagePullPolicy: 'Never', volumeMounts })
    await node.run('from-peer', { volumes, containers: [container] })
    await node.isReady('from-peer')
    await until('its words', async () => ((await node.output('from-peer')).includes('peerkept') ? true : undefined))
    await node.remove('from-peer')
    expect(await contents!.find('peers.test/app:1')).toMatchObject({ digest: image.manifest.digest })
    const read: Uint8Array[] = []
    for await (const part of contents!.read(image.config.digest, new AbortController().signal)) read.push(part)
    expect(Buffer.concat(read)).toEqual(image.config.bytes)
    expect(await contents!.blob(`sha256:${'0'.repeat(64)}`)).toBeUndefined()
  })

  /** Snapshots of ours that containerd holds for volumes. */
  async function views(): Promise<string[]> {
    using connection = new Connection(node.bench.containerd.socket, systemClock)
    const found: string[] = []
    const { signal } = new AbortController()
    for (const snapshotter of ['overlayfs', 'native'])
      for await (const { info } of connection.containerdStream<{ info: { name: string }[] }>(
        'snapshots.v1.Snapshots',
        'List',
        { snapshotter },
        signal,
      ))
        found.push(...info.map(({ name }) => name).filter(name => name.includes('optiflow-image')))
    return found
  }
})
