import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { onPath } from '../../tests/support/processes.ts'
import { systemClock } from '../base/clock.ts'
import { EtcdCluster } from '../db/etcd/testing/cluster.ts'
import { type EtcdKeys, openEtcdKeys } from '../db/index.ts'
import {
  BgpPeer,
  BlockAffinity,
  type CalicoDatastore,
  CalicoNetworkPolicy,
  ClusterInformation,
  FelixConfiguration,
  GlobalNetworkPolicy,
  IpamBlock,
  IpamHandle,
  IpPool,
  initialiseDatastore,
  openEtcdDatastore,
  Tier,
} from '../network/calico/index.ts'

const has = onPath('etcd')
const uid = '8f2b6c1e-4f0e-4f6c-9f0a-3d1c5e7b9a00'

// The keys are those of libcalico-go/lib/backend/model in Calico's sources. Calico itself is not run here.
describe.skipIf(!has)(`Calico's keys in a real etcd${has ? '' : ' (skipped: no etcd)'}`, () => {
  let cluster: EtcdCluster
  let keys: EtcdKeys
  let datastore: CalicoDatastore
  const clock = { ...systemClock, now: () => Date.parse('2026-01-02T03:04:05Z') }

  beforeAll(async () => {
    cluster = await EtcdCluster.start(1)
    keys = await openEtcdKeys({ endpoints: cluster.endpoints }, systemClock)
    datastore = openEtcdDatastore({ keys, clock, uuid: () => uid })
  })
  afterAll(async () => {
    await keys?.[Symbol.asyncDispose]()
    await cluster?.stop()
  })

  const resources = '/calico/resources/v3/projectcalico.org'
  const valueAt = async (key: string) => (await keys.get(key))?.value
  const resource = (kind: string, name: string, spec: object, more: object = {}) =>
    JSON.stringify({
      kind,
      apiVersion: 'projectcalico.org/v3',
      metadata: { name, ...more, uid, creationTimestamp: '2026-01-02T03:04:05Z' },
      spec,
    })

  test('what its programs refuse to work without is written, byte for byte, and once', async () => {
    const first = await initialiseDatastore(datastore, { guid: 'abc', type: 'k8s', version: 'v3.32.1' })
    expect(first).toEqual([
      'Tier default',
      'Tier kube-admin',
      'Tier kube-baseline',
      'FelixConfiguration default',
      'ClusterInformation default',
    ])
    expect(await valueAt(`${resources}/clusterinformations/default`)).toBe(
      resource('ClusterInformation', 'default', {
        clusterGUID: 'abc',
        clusterType: 'k8s',
        calicoVersion: 'v3.32.1',
        datastoreReady: true,
      }),
    )
    expect(await valueAt(`${resources}/tiers/kube-admin`)).toBe(
      resource('Tier', 'kube-admin', { order: 1000, defaultAction: 'Pass' }),
    )
    expect(await valueAt(`${resources}/felixconfigurations/default`)).toBe(
      resource('FelixConfiguration', 'default', {}),
    )
    expect(await initialiseDatastore(datastore, { guid: 'other', type: 'k8s', version: 'v3.32.1' })).toEqual([])
    expect((await datastore.get(ClusterInformation, 'default'))?.spec.clusterGUID).toBe('abc')
    expect((await datastore.list(Tier)).map(t => t.metadata.name)).toEqual(['default', 'kube-admin', 'kube-baseline'])
    expect(await datastore.get(FelixConfiguration, 'other')).toBeUndefined()
  })

  test('a datastore that an upgrade left locked is opened again', async () => {
    const found = (await datastore.get(ClusterInformation, 'default'))!
    await datastore.update(ClusterInformation, { ...found, spec: { ...found.spec, datastoreReady: false } })
    expect(await initialiseDatastore(datastore, { guid: 'x', type: 'k8s', version: 'v3.32.1' })).toEqual([
      'ClusterInformation default: datastoreReady',
    ])
  })

  test('every kind is at its own key', async () => {
    const make = (kind: any, name: string, spec: object, namespace?: string) =>
      datastore.create(kind, { metadata: { name, ...(namespace ? { namespace } : {}) }, spec })
    await make(IpPool, 'p', { cidr: '10.244.0.0/16' })
    await make(BgpPeer, 'tor', { peerIP: '10.0.0.1', asNumber: 64512 })
    await make(GlobalNetworkPolicy, 'g', { tier: 'default', order: 1, selector: 'all()', types: ['Ingress'] })
    await make(CalicoNetworkPolicy, 'n', { selector: 'all()' }, 'shop')
    await make(IpamHandle, 'h', { handleID: 'K8s-Pod_1', block: { '10.244.0.0/26': 1 } })
    await make(BlockAffinity, 'n1-10-244-0-0-26', {
      cidr: '10.244.0.0/26',
      node: 'n1',
      state: 'confirmed',
      deleted: 'false',
    })
    const block = {
      cidr: '10.244.0.0/30',
      affinity: 'host:n1',
      strictAffinity: false,
      allocations: [null, 0, null, null],
      unallocated: [0, 2, 3],
      attributes: [{ handle_id: 'h', secondary: { node: 'n1' } }],
      sequenceNumber: 3,
    }
    await make(IpamBlock, '10-244-0-0-30', block)
    await make(IpamBlock, 'fd00---122', { ...block, cidr: 'fd00::/122' })
    const found = (await keys.list('/calico/')).map(entry => entry.key)
    expect(found.filter(key => !/tiers|felix|clusterinfo/.test(key))).toEqual([
      '/calico/ipam/v2/assignment/ipv4/block/10.244.0.0-30',
      '/calico/ipam/v2/assignment/ipv6/block/fd00::-122',
      '/calico/ipam/v2/handle/K8s-Pod_1',
      '/calico/ipam/v2/host/n1/ipv4/block/10.244.0.0-26',
      `${resources}/bgppeers/tor`,
      `${resources}/globalnetworkpolicies/g`,
      `${resources}/ippools/p`,
      `${resources}/networkpolicies/shop/n`,
    ])
    expect(await valueAt(`${resources}/networkpolicies/shop/n`)).toBe(
      resource('NetworkPolicy', 'n', { selector: 'all()' }, { namespace: 'shop' }),
    )
    expect(await valueAt('/calico/ipam/v2/handle/K8s-Pod_1')).toBe('{"block":{"10.244.0.0/26":1},"deleted":false}')
    expect(await valueAt('/calico/ipam/v2/host/n1/ipv4/block/10.244.0.0-26')).toBe(
      '{"state":"confirmed","deleted":false}',
    )
    expect(JSON.parse((await valueAt('/calico/ipam/v2/assignment/ipv4/block/10.244.0.0-30'))!)).toEqual({
      cidr: '10.244.0.0/30',
      allocations: [null, 0, null, null],
      unallocated: [0, 2, 3],
      attributes: [{ handle_id: 'h', secondary: { node: 'n1' } }],
      sequenceNumber: 3,
      affinity: 'host:n1',
      deleted: false,
    })
    const read = (await datastore.list(IpamBlock)).map(b => [b.metadata.name, b.spec])
    expect(read[0]).toEqual(['10-244-0-0-30', { ...block, deleted: false }])
    expect((await datastore.list(BlockAffinity))[0]!.spec).toMatchObject({
      cidr: '10.244.0.0/26',
      node: 'n1',
      deleted: 'false',
    })
  })

  test('what Calico wrote is read, whatever else its metadata says', async () => {
    const written = {
      kind: 'IPPool',
      apiVersion: 'projectcalico.org/v3',
      metadata: { name: 'theirs', uid, creationTimestamp: '2025-01-01T00:00:00Z', generation: 3 },
      spec: { cidr: '10.9.0.0/16', vxlanMode: 'Always', blockSize: 26, allowedUses: ['Workload', 'Tunnel'] },
    }
    await keys.put(`${resources}/ippools/theirs`, JSON.stringify(written), undefined)
    expect((await datastore.get(IpPool, 'theirs'))?.spec).toEqual(written.spec)
  })

  test('of two who write what they read only the first succeeds, and a delete takes only what was read', async () => {
    const read = (await datastore.get(IpPool, 'p'))!
    const changed = await datastore.update(IpPool, { ...read, spec: { ...read.spec, disabled: true } })
    await expect(datastore.update(IpPool, read)).rejects.toThrow('IPPool p was changed by somebody else meanwhile')
    await expect(datastore.delete(IpPool, read)).rejects.toThrow('was changed by somebody else')
    await expect(datastore.create(IpPool, read)).rejects.toThrow('IPPool p is there already')
    await datastore.delete(IpPool, changed)
    expect(await datastore.get(IpPool, 'p')).toBeUndefined()
  })

  test('a value that is not JSON is named', async () => {
    await keys.put(`${resources}/ippools/broken`, '{', undefined)
    await expect(datastore.list(IpPool)).rejects.toThrow(`the value of ${resources}/ippools/broken in etcd is no JSON`)
  })
})
