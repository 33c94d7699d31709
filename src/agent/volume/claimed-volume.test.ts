import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Container, PersistentVolumeSpec, Pod } from '../../models/types/core-v1.ts'
import { AgentMetrics } from '../metrics/agent-metrics.ts'
import type { PodFacts } from '../pod/downward.ts'
import { talliedFamily } from '../serving/text-form.ts'
import { createDiskVolumes, type DiskVolumesOptions } from './disk-volumes.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'optiflow-claimed-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Sets up a pod whose container uses a claim of such a volume. @returns what is wrong, or the path */
async function setUp(
  spec: Partial<PersistentVolumeSpec>,
  use: Partial<Container>,
  metrics = new AgentMetrics(),
): Promise<string> {
  const claim = { metadata: {}, spec: { volumeName: 'v' }, status: { phase: 'Bound' } }
  const objects = {
    get: async (kind: { kind: string }) =>
      kind.kind === 'PersistentVolumeClaim' ? claim : { metadata: { name: 'v' }, spec },
  }
  const growth = { look: async () => {} }
  const options = {
    folder,
    secretFolder: join(folder, 'secrets'),
    objects,
    growth,
    disk: systemDisk,
    clock: new VirtualClock(),
    metrics,
    log: silentLogger,
  }
  const volumes = createDiskVolumes(options as unknown as DiskVolumesOptions)
  const pod = {
    metadata: { namespace: 'n', name: 'p', uid: 'u' },
    spec: {
      containers: [{ name: 'c', ...use }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'c' } }],
    },
  } as unknown as Pod
  try {
    await volumes.setUp({ pod } as PodFacts, new AbortController().signal)
    return 'ready'
  } catch (error) {
    return (error as Error).message
  }
}

const mount = { volumeMounts: [{ name: 'data', mountPath: '/data' }] }
const device = { volumeDevices: [{ name: 'data', devicePath: '/dev/data' }] }
const local = (volumeMode?: 'Block') => ({ local: { path: folder }, ...(volumeMode ? { volumeMode } : {}) })

it.each([
  ['a folder as a folder', () => local(), mount, 'ready'],
  [
    'a folder as a device',
    () => local(),
    device,
    'volume data has volumeMode Filesystem, but is specified in volumeDevices',
  ],
  [
    'a device as a folder',
    () => local('Block'),
    mount,
    'volume data has volumeMode Block, but is specified in volumeMounts',
  ],
  [
    'a folder that claims to be a device',
    () => local('Block'),
    device,
    'of a volume with volumeMode Block is not a block device',
  ],
  ['a device that no container wants', () => local('Block'), {}, 'ready'],
  [
    'a device of a kind that has none',
    () => ({ hostPath: { path: '/' }, volumeMode: 'Block' as const }),
    device,
    'persistentvolume "v" has volumeMode Block, which only local volumes and CSI drivers can be',
  ],
])('%s', async (_, spec, use, outcome) => {
  expect(await setUp(spec(), use)).toContain(outcome)
})

it('is counted by plugin, whether it was made ready or not', async () => {
  const metrics = new AgentMetrics()
  await setUp(local(), mount, metrics)
  await setUp(local(), device, metrics)
  const lines = (await Promise.all(metrics.families.map(talliedFamily))).flat()
  const counts = lines.filter(line => line.startsWith('storage_operation_duration_seconds_count'))
  const of = (status: string) =>
    `volume_plugin="kubernetes.io/persistent-claim",operation_name="volume_mount",status="${status}",migrated="false"`
  expect(counts).toEqual([
    `storage_operation_duration_seconds_count{${of('success')}} 1`,
    `storage_operation_duration_seconds_count{${of('fail-unknown')}} 1`,
  ])
})

it('a pod that is torn down leaves no token and no folder', async () => {
  const forgotten: string[] = []
  const tokens = { forget: (uid: string) => forgotten.push(uid) }
  const options = { folder, secretFolder: join(folder, 'secrets'), disk: systemDisk, clock: new VirtualClock(), tokens }
  const volumes = createDiskVolumes({ ...options, log: silentLogger } as unknown as DiskVolumesOptions)
  await systemDisk.write(join(folder, 'secrets', 'u', 'token'), 'secret')
  await volumes.tearDown('u')
  expect([forgotten, await systemDisk.exists(join(folder, 'secrets', 'u'))]).toEqual([['u'], false])
})
