import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lan, openLan } from './support/lan.ts'
import { leftovers, type Traces, tracesOf } from './support/leftovers.ts'
import { isReady, Parts, realImpossible } from './support/parts.ts'
import { type Started, until } from './support/processes.ts'
import { testRegistry } from './support/registries.ts'

const obstacle = realImpossible()
const ip = '10.77.0.11'

// One story, told in order: each test goes on where the one before ended.
describe.skipIf(obstacle)(`volumes of real containers${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let lan: Lan
  let box: Parts
  let registry: Started
  let before: Traces
  const volumesFolder = () => join(box.dataDir, 'node/volumes')

  beforeAll(async () => {
    lan = await openLan(['box'])
    const machine = lan.machines['box']!
    box = new Parts(machine, lan.folder)
    before = await tracesOf(machine, box.dataDir)
    registry = await testRegistry(machine, 5000)
    const args = ['--data-dir', box.dataDir, '--listen', `${ip}:6443`, '--kubeconfig', box.kubeconfig]
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
    await box.start('up', args, 'The API answers at', 60_000)
    await until('the node to be Ready', async () => isReady(await box.get('node', 'box')))
  })

  afterAll(async () => {
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

  it('down leaves nothing behind', async () => {
    await box.end('up')
    await box.optiflow('down', '--purge', '--data-dir', box.dataDir)
    await registry.stop()
    expect(leftovers(before, await tracesOf(lan.machines['box']!, box.dataDir))).toEqual({})
  })
})
