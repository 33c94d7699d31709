import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { VirtualClock } from '../../base/virtual-clock.ts'
import type { Container, Pod } from '../../models/types/core-v1.ts'
import type { ResourceClaim } from '../../models/types/resource-v1beta1.ts'
import { startTestDraDriver, type TestDraDriver } from '../../plugins/testing/dra-driver.ts'
import type { ReferencedObjects } from '../objects.ts'
import { PluginWatcher } from '../plugin/plugin-watcher.ts'
import { DeviceClaims } from './device-claims.ts'

const name = 'cards.test'
let kubeletFolder: string
let claims: DeviceClaims
let watcher: PluginWatcher
let driver: TestDraDriver | undefined
let stored: Map<string, ResourceClaim>
const clock = new VirtualClock()
const outside = { disk: systemDisk, clock, log: silentLogger }

const objects = {
  get: async (_: unknown, key: { name: string }) => stored.get(key.name),
} as unknown as ReferencedObjects
const open = async () => {
  claims = new DeviceClaims({ ...outside, kubeletFolder, objects })
  await claims.restore()
  watcher = new PluginWatcher({ ...outside, folder: join(kubeletFolder, 'plugins_registry'), kinds: [claims] })
}
const begin = async (service?: string) => {
  const devicesOf = async () => [
    { request: 'big', pool: 'p', device: 'a' },
    { request: 'small', pool: 'p', device: 'b' },
  ]
  driver = await startTestDraDriver({ name, kubeletFolder, devicesOf, ...(service ? { service } : {}) })
  await watcher.start()
}
const claimed = (reservedFor: string[]): ResourceClaim =>
  ({
    metadata: { name: 'gpus', namespace: 'default', uid: 'claim-1' },
    status: {
      reservedFor: reservedFor.map(uid => ({ resource: 'pods', name: uid, uid })),
      allocation: { devices: { results: [{ request: 'big', driver: name, pool: 'p', device: 'a' }] } },
    },
  }) as unknown as ResourceClaim
const pod = (uid: string) =>
  ({
    metadata: { uid, name: uid, namespace: 'default' },
    spec: { resourceClaims: [{ name: 'mine', resourceClaimName: 'gpus' }] },
  }) as unknown as Pod
const asking = (...of: object[]) => ({ name: 'main', resources: { claims: of } }) as unknown as Container

beforeEach(async () => {
  kubeletFolder = await mkdtemp(join(tmpdir(), 'optiflow-dra-'))
  stored = new Map([['gpus', claimed(['a', 'b'])]])
  await open()
})
afterEach(async () => {
  await watcher.stop()
  claims[Symbol.dispose]()
  await driver?.[Symbol.asyncDispose]()
  driver = undefined
  await rm(kubeletFolder, { recursive: true, force: true })
})

describe('a claim', () => {
  it.each([undefined, 'v1beta1.DRAPlugin', 'v1alpha3.Node'])(
    'is made ready once for all its pods, and given back with the last: %s',
    async service => {
      await begin(service)
      await claims.prepare(pod('a'))
      await claims.prepare(pod('a'))
      await claims.prepare(pod('b'))
      expect(claims.cdiDevices(pod('a'), asking({ name: 'mine' }))).toEqual([
        'cards.test/card=claim-1-a',
        'cards.test/card=claim-1-b',
      ])
      expect(claims.cdiDevices(pod('b'), asking({ name: 'mine', request: 'small' }))).toEqual([
        'cards.test/card=claim-1-b',
      ])
      expect(claims.cdiDevices(pod('b'), asking())).toEqual([])
      await claims.unprepare('a')
      expect(driver!.calls).toEqual(['prepare gpus'])
      await claims.unprepare('b')
      await claims.unprepare('b')
      expect(driver!.calls).toEqual(['prepare gpus', 'unprepare gpus'])
    },
  )

  it('is known to a new agent, which gives back what pods had that went meanwhile', async () => {
    await begin()
    await claims.prepare(pod('a'))
    await claims.prepare(pod('b'))
    await watcher.stop()
    claims[Symbol.dispose]()
    await open()
    await watcher.start()
    expect(claims.cdiDevices(pod('a'), asking({ name: 'mine', request: 'big' }))).toEqual(['cards.test/card=claim-1-a'])
    await claims.forgetOthers(new Set(['b']))
    expect(driver!.calls).toEqual(['prepare gpus'])
    await claims.forgetOthers(new Set())
    expect(driver!.calls).toEqual(['prepare gpus', 'unprepare gpus'])
  })

  it('that is not reserved for the pod, whose driver is away or says no, is refused with the reason', async () => {
    await expect(claims.prepare(pod('a'))).rejects.toThrow('DRA driver cards.test is not registered')
    // Nobody was asked, so nobody is told either.
    await claims.unprepare('a')
    await begin()
    await expect(claims.prepare(pod('stranger'))).rejects.toThrow('ResourceClaim "gpus" is not reserved for this pod')
    driver!.failure = 'card a is on fire'
    await expect(claims.prepare(pod('a'))).rejects.toThrow(
      'NodePrepareResources failed for claim default/gpus: card a is on fire',
    )
    expect(() => claims.cdiDevices(pod('a'), asking({ name: 'mine' }))).toThrow('"gpus" are not ready')
    driver!.failure = undefined
    await claims.prepare(pod('a'))
    stored.set('gpus', { ...claimed(['b']), metadata: { ...claimed([]).metadata, uid: 'claim-2' } })
    await expect(claims.prepare(pod('b'))).rejects.toThrow('an older ResourceClaim "gpus" is still in use on this node')
  })
})
