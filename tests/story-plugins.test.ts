import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestDriver, type TestDriver } from '../src/plugins/testing/csi-driver.ts'
import { startTestDevicePlugin, type TestDevicePlugin } from '../src/plugins/testing/device-plugin.ts'
import { startTestDraDriver, type TestDraDriver } from '../src/plugins/testing/dra-driver.ts'
import { type Lan, openLan } from './support/lan.ts'
import { groupsNamed, leftovers, type Traces, tracesOf } from './support/leftovers.ts'
import { isReady, Parts, realImpossible } from './support/parts.ts'
import { run, type Started, until } from './support/processes.ts'
import { testRegistry } from './support/registries.ts'

const obstacle = realImpossible()
const ip = '10.77.0.11'

// One story, told in order: each test goes on where the one before ended.
describe.skipIf(obstacle)(`volumes and devices of real containers${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let lan: Lan
  let box: Parts
  let registry: Started
  let before: Traces
  let driver: TestDriver
  let gpus: TestDevicePlugin
  let cards: TestDraDriver
  /** Not below the data folder: who ends the node must know of it. */
  const kubelet = () => join(lan.folder, 'kubelet')
  const cgroupRoot = '/optiflow-story/plugins'
  const driverFolder = () => join(lan.folder, 'driver')
  const args: string[] = []
  const startUp = () => box.start('up', args, 'The API answers at', 60_000)
  /** Where runtimes look for CDI: one folder for the whole machine. */
  const cdiFolder = async () => {
    await mkdir('/var/run/cdi', { recursive: true })
    return '/var/run/cdi'
  }
  const volumesFolder = () => join(box.dataDir, 'node/volumes')

  beforeAll(async () => {
    lan = await openLan(['box'])
    const machine = lan.machines['box']!
    box = new Parts(machine, lan.folder)
    before = await tracesOf(machine, box.dataDir)
    registry = await testRegistry(machine, 5000)
    args.push('--data-dir', box.dataDir, '--listen', `${ip}:6443`, '--kubeconfig', box.kubeconfig)
    args.push('--share-devices', 'nvidia.com/gpu', '--kubelet-dir', kubelet(), '--cgroup-root', cgroupRoot)
    args.push('--csi-driver', `disk.test=${kubelet()}/plugins/disk.test/csi.sock`)
    args.push(
      '--runtime',
      'containerd',
      '--node-name',
      'box',
      '--gateway',
      'off',
      '--registry-mirror',
      'registry.test=http://127.0.0.1:5000',
    )
    await startUp()
    await until('the node to be Ready', async () => isReady(await box.get('node', 'box')))
  })

  afterAll(async () => {
    await driver?.[Symbol.asyncDispose]()
    await gpus?.[Symbol.asyncDispose]()
    await cards?.[Symbol.asyncDispose]()
    await box?.[Symbol.asyncDispose]()
    await registry?.stop()
    await lan?.[Symbol.asyncDispose]()
  })

  const pod = (name: string) =>
    until(`${name} ready`, async () => {
      const found = await box.get('pod', name).catch(() => undefined)
      return found && isReady(found) && !found.metadata.deletionTimestamp ? found : undefined
    })
  const read = (name: string, path: string) => box.kubectl('exec', name, '--', 'cat', path)

  it('a StatefulSet gets a volume for each pod from the default class', async () => {
    await box.apply({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'db', namespace: 'default' },
      spec: {
        replicas: 2,
        serviceName: 'db',
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: { app: 'db' } },
        template: {
          metadata: { labels: { app: 'db' } },
          spec: {
            terminationGracePeriodSeconds: 1,
            securityContext: { runAsUser: 1000, fsGroup: 2000 },
            containers: [
              {
                name: 'sh',
                image: 'registry.test/web:1',
                command: ['sh', '-c', 'echo "$(hostname) began" >> /data/log; while true; do sleep 0.2; done'],
                volumeMounts: [{ name: 'data', mountPath: '/data' }],
              },
            ],
          },
        },
        volumeClaimTemplates: [
          {
            metadata: { name: 'data' },
            spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Mi' } } },
          },
        ],
      },
    })
    await Promise.all([pod('db-0'), pod('db-1')])
    const claims = (await box.get('pvc')).items
    expect(claims.map((c: any) => [c.metadata.name, c.status.phase, c.spec.storageClassName])).toEqual([
      ['data-db-0', 'Bound', 'local-path'],
      ['data-db-1', 'Bound', 'local-path'],
    ])
    expect(await read('db-0', '/data/log')).toBe('db-0 began\n')
  })

  it('what a pod wrote is there for the one that takes its place', async () => {
    const { uid } = (await pod('db-0')).metadata
    await box.kubectl('delete', 'pod', 'db-0')
    await until('another db-0', async () => (await pod('db-0')).metadata.uid !== uid)
    expect(await read('db-0', '/data/log')).toBe('db-0 began\ndb-0 began\n')
    expect(await read('db-1', '/data/log')).toBe('db-1 began\n')
  })

  it('a claim that is deleted takes its folder along', async () => {
    expect((await readdir(volumesFolder())).filter(name => name.startsWith('pvc-'))).toHaveLength(2)
    await box.kubectl('delete', 'statefulset', 'db')
    await box.kubectl('delete', 'pvc', '--all')
    await until('the volumes to go', async () => (await box.get('pv')).items.length === 0)
    expect((await readdir(volumesFolder())).filter(name => name.startsWith('pvc-'))).toEqual([])
  })

  const startDriver = () =>
    startTestDriver({
      name: 'disk.test',
      folder: driverFolder(),
      pluginFolder: `${kubelet()}/plugins/disk.test`,
      registryFolder: `${kubelet()}/plugins_registry`,
      nodeId: 'id-of-box',
      topology: { 'disk.test/zone': 'z1' },
      maxVolumes: 9,
      mount: async (from, to) => succeed('mount', '--bind', from, to),
      unmount: async path => succeed('umount', path),
      isMounted: async path => (await mountsBelow(path)).includes(path),
    })
  const succeed = async (program: string, ...given: string[]) => {
    const { code, err } = await run(program, given)
    if (code !== 0) throw new Error(`${program} ${given.join(' ')}: ${err}`)
  }
  const mountsBelow = async (folder: string) =>
    (await readFile('/proc/self/mountinfo', 'utf8'))
      .split('\n')
      .map(line => line.split(' ')[4] ?? '')
      .filter(path => path.startsWith(folder))
  const user = (
    name: string,
    script: string,
    volumes: object[] = [{ name: 'd', persistentVolumeClaim: { claimName: 'disk' } }],
  ) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'sh',
          image: 'registry.test/web:1',
          command: ['sh', '-c', `${script}; while true; do sleep 0.2; done`],
          volumeMounts: [{ name: 'd', mountPath: '/data' }],
        },
      ],
      volumes,
    },
  })

  it('a CSI driver that registers is known to the scheduler, with its topology and its limit', async () => {
    driver = await startDriver()
    await box.apply(
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'CSIDriver',
        metadata: { name: 'disk.test' },
        spec: { attachRequired: true, podInfoOnMount: true, volumeLifecycleModes: ['Persistent', 'Ephemeral'] },
      },
      {
        apiVersion: 'storage.k8s.io/v1',
        kind: 'StorageClass',
        metadata: { name: 'disk' },
        provisioner: 'disk.test',
        volumeBindingMode: 'WaitForFirstConsumer',
        allowVolumeExpansion: true,
      },
    )
    await until('the CSINode', async () => (await box.get('csinode', 'box')).spec.drivers?.length === 1)
    expect((await box.get('csinode', 'box')).spec.drivers).toEqual([
      { name: 'disk.test', nodeID: 'id-of-box', topologyKeys: ['disk.test/zone'], allocatable: { count: 9 } },
    ])
  })

  it('its volume is made, attached, staged and published, and keeps what a pod wrote', async () => {
    await box.apply(
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'disk', namespace: 'default' },
        spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'disk', resources: { requests: { storage: '1Mi' } } },
      },
      user('writer', 'echo written > /data/file'),
    )
    await pod('writer')
    await until('the file', async () => (await read('writer', '/data/file')) === 'written\n')
    expect(driver.calls.map(call => call.split(' ')[0])).toEqual([
      'CreateVolume',
      'ControllerPublishVolume',
      'NodeStageVolume',
      'NodePublishVolume',
    ])
    const { spec, status } = (await box.get('volumeattachment')).items[0]
    expect([spec.attacher, spec.nodeName, status.attached]).toEqual(['disk.test', 'box', true])
    expect((await box.get('node', 'box')).status.volumesInUse).toEqual([
      `kubernetes.io/csi/disk.test^${spec.source.persistentVolumeName}`,
    ])
  })

  it('the agent and the driver start anew, and still know what to take down', async () => {
    await box.end('up', 'SIGKILL')
    await driver[Symbol.asyncDispose]()
    await startUp()
    await box.kubectl('delete', 'pod', 'writer', '--wait=false')
    driver = await startDriver()
    await until('the pod to go', async () => (await box.get('pods')).items.length === 0)
    await until('the detachment', async () => (await box.get('volumeattachment')).items.length === 0)
    expect(driver.calls.filter(c => /Un/.test(c)).map(call => call.split(' ')[0])).toEqual([
      'NodeUnpublishVolume',
      'NodeUnstageVolume',
      'ControllerUnpublishVolume',
    ])
    expect(await mountsBelow(`${kubelet()}/`)).toEqual([])
  })

  it('another pod reads what the first has written, on a volume that has grown meanwhile', async () => {
    const spec = { resources: { requests: { storage: '2Mi' } } }
    await box.kubectl('patch', 'pvc', 'disk', '--type', 'merge', '-p', JSON.stringify({ spec }))
    await until('the larger volume', async () => (await box.get('pv')).items[0].spec.capacity.storage === '2Mi')
    await box.apply(user('reader', 'true'))
    await pod('reader')
    expect(await read('reader', '/data/file')).toBe('written\n')
    await until('the claim to know', async () => (await box.get('pvc', 'disk')).status.capacity.storage === '2Mi')
    expect((await box.get('pvc', 'disk')).status.conditions ?? []).toEqual([])
    const metrics = await box.kubectl('get', '--raw', '/api/v1/nodes/box/proxy/metrics')
    expect(metrics).toMatch(
      /^kubelet_volume_stats_capacity_bytes\{namespace="default",persistentvolumeclaim="disk"\} 2097152$/m,
    )
  })

  it('a volume that lives with its pod is there for it and goes with it', async () => {
    await box.apply(user('brief', 'echo brief > /data/file', [{ name: 'd', csi: { driver: 'disk.test' } }]))
    await pod('brief')
    await until('the file', async () => (await read('brief', '/data/file')) === 'brief\n')
    await box.kubectl('delete', 'pod', 'brief')
    expect((await readdir(join(driverFolder(), 'volumes'))).filter(name => name.startsWith('csi-'))).toEqual([])
  })

  it('a claim that is deleted has its volume deleted by the driver; nothing is mounted any more', async () => {
    await box.kubectl('delete', 'pod', 'reader')
    await box.kubectl('delete', 'pvc', 'disk')
    await until('the volume to go', async () => (await box.get('pv')).items.length === 0)
    expect(driver.calls.at(-1)).toMatch(/^DeleteVolume pvc-/)
    expect(await readdir(join(driverFolder(), 'volumes'))).toEqual([])
    expect(await mountsBelow(`${kubelet()}/`)).toEqual([])
    expect(await readdir(`${kubelet()}/pods`)).toEqual([])
  })

  it('devices of a plugin are offered by the node, whole and by thousandths', async () => {
    gpus = await startTestDevicePlugin({
      folder: `${kubelet()}/device-plugins`,
      resource: 'nvidia.com/gpu',
      ids: ['GPU-a', 'GPU-b'],
      preStart: true,
      nodes: [{ host_path: '/dev/zero', container_path: '/dev/imagined', permissions: 'rw' }],
    })
    const { allocatable, capacity } = await until('the devices', async () => {
      const { status } = await box.get('node', 'box')
      return status.allocatable['nvidia.com/gpu'] === '2' ? status : undefined
    })
    expect([capacity['nvidia.com/gpu'], allocatable['optiflow.dev/gpu-milli']]).toEqual(['2', '2k'])
  })

  it('two pods on shares of one device see that one, a pod of a whole device sees the other', async () => {
    const script =
      'echo "$VISIBLE_DEVICES $OPTIFLOW_GPU_MILLI" > /tmp/gpu; test -c /dev/imagined && echo device >> /tmp/gpu'
    const asks = (name: string, limits: object) => {
      const made = user(name, script, [])
      const [container] = made.spec.containers
      return {
        ...made,
        spec: { ...made.spec, containers: [{ ...container, volumeMounts: [], resources: { limits } }] },
      }
    }
    await box.apply(asks('one', { 'optiflow.dev/gpu-milli': '400' }), asks('two', { 'optiflow.dev/gpu-milli': '500' }))
    await Promise.all([pod('one'), pod('two')])
    await box.apply(asks('whole', { 'nvidia.com/gpu': '1' }))
    await pod('whole')
    const number = (await box.get('pod', 'one')).metadata.annotations['optiflow.dev/gpu-devices']
    expect(number).toMatch(/^[01]$/)
    const [shared, other] = number === '0' ? ['GPU-a', 'GPU-b'] : ['GPU-b', 'GPU-a']
    expect(await read('one', '/tmp/gpu')).toBe(`${shared} 400\ndevice\n`)
    expect(await read('two', '/tmp/gpu')).toBe(`${shared} 500\ndevice\n`)
    expect(await read('whole', '/tmp/gpu')).toBe(`${other} \ndevice\n`)
    expect([...gpus.calls].sort()).toEqual(
      [
        `Allocate ${shared}`,
        `Allocate ${shared}`,
        `Allocate ${other}`,
        `PreStartContainer ${shared}`,
        `PreStartContainer ${shared}`,
        `PreStartContainer ${other}`,
      ].sort(),
    )
    await box.kubectl('delete', 'pod', 'one', 'two', 'whole')
  })

  it('devices that a pod claims are chosen, made ready by their driver, and given back', async () => {
    const resource = { apiVersion: 'resource.k8s.io/v1beta1' }
    const request = (name: string) => ({ name, deviceClassName: 'cards.test' })
    const metadata = { name: 'two-cards', namespace: 'default' }
    const selectors = [{ cel: { expression: 'device.driver == "cards.test"' } }]
    const pool = { name: 'box', generation: 1, resourceSliceCount: 1 }
    const devices = ['a', 'b', 'c'].map(name => ({ name, basic: {} }))
    await box.apply(
      { ...resource, kind: 'DeviceClass', metadata: { name: 'cards.test' }, spec: { selectors } },
      {
        ...resource,
        kind: 'ResourceSlice',
        metadata: { name: 'box-cards' },
        spec: { driver: 'cards.test', nodeName: 'box', pool, devices },
      },
      {
        ...resource,
        kind: 'ResourceClaimTemplate',
        metadata,
        spec: { spec: { devices: { requests: [request('first'), request('second')] } } },
      },
    )
    cards = await startTestDraDriver({
      name: 'cards.test',
      kubeletFolder: kubelet(),
      cdiFolder: await cdiFolder(),
      async devicesOf(uid) {
        const claim = (await box.get('resourceclaims')).items.find((item: any) => item.metadata.uid === uid)
        return claim.status.allocation.devices.results
      },
    })
    const made = user('carded', 'env | grep ^CARD_ | sort > /tmp/cards; ls /dev/a /dev/b /dev/c >> /tmp/cards', [])
    const [container] = made.spec.containers
    const asks = (name: string, ...claims: object[]) => ({
      ...container,
      name,
      volumeMounts: [],
      resources: { claims },
    })
    await box.apply({
      ...made,
      spec: {
        ...made.spec,
        resourceClaims: [{ name: 'cards', resourceClaimTemplateName: 'two-cards' }],
        containers: [asks('all', { name: 'cards' }), asks('half', { name: 'cards', request: 'second' }), asks('none')],
      },
    })
    await pod('carded')
    const cardsOf = (name: string) => box.kubectl('exec', 'carded', '-c', name, '--', 'cat', '/tmp/cards')
    expect(await cardsOf('all')).toBe('CARD_a=yes\nCARD_b=yes\n/dev/a\n/dev/b\n')
    expect(await cardsOf('half')).toBe('CARD_b=yes\n/dev/b\n')
    expect(await cardsOf('none')).toBe('')
    await box.kubectl('delete', 'pod', 'carded')
    expect(cards.calls.map(call => call.split(' ')[0])).toEqual(['prepare', 'unprepare'])
    await until('the claim to go', async () => (await box.get('resourceclaims')).items.length === 0)
  })

  it('down leaves nothing behind', async () => {
    await driver[Symbol.asyncDispose]()
    await gpus[Symbol.asyncDispose]()
    await cards[Symbol.asyncDispose]()
    await box.end('up')
    await box.optiflow('down', '--purge', '--data-dir', box.dataDir)
    await registry.stop()
    expect(leftovers(before, await tracesOf(lan.machines['box']!, box.dataDir))).toEqual({})
    expect(await mountsBelow(kubelet())).toEqual([])
    // The drivers' own folders are not ours to take.
    const left = await readdir(kubelet(), { recursive: true })
    expect(left.sort()).toEqual(['plugins', 'plugins/cards.test', 'plugins/disk.test'])
    expect(await groupsNamed(cgroupRoot)).toEqual([])
  })
})
