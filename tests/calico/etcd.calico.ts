import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { EtcdCluster } from '../../src/db/etcd/testing/cluster.ts'
import { type EtcdKeys, openEtcdKeys } from '../../src/db/index.ts'
import {
  BgpPeer,
  BlockAffinity,
  type CalicoDatastore,
  CalicoNetworkPolicy,
  createChecked,
  GlobalNetworkPolicy,
  IpamBlock,
  IpamHandle,
  IpPool,
  initialiseDatastore,
  openEtcdDatastore,
  Tier,
} from '../../src/network/calico/index.ts'
import { onPath, run } from '../support/processes.ts'
import { calicoctl } from './calico-nodes.ts'

/* What we keep in etcd is what Calico's own calicoctl reads there, and the other way round. */
const why = !calicoctl ? 'CALICO_BIN has no calicoctl' : onPath('etcd') ? undefined : 'no etcd'

describe.skipIf(why)(`Calico's datastore in etcd, with calicoctl${why ? ` (skipped: ${why})` : ''}`, () => {
  let cluster: EtcdCluster
  let keys: EtcdKeys
  let datastore: CalicoDatastore
  let folder: string

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'optiflow-calicoctl-'))
    cluster = await EtcdCluster.start(1)
    keys = await openEtcdKeys({ endpoints: cluster.endpoints }, systemClock)
    datastore = openEtcdDatastore({ keys, clock: systemClock, uuid: randomUUID })
    await initialiseDatastore(datastore, { guid: 'abc', type: 'k8s', version: 'v3.32.1' })
  })
  afterAll(async () => {
    await keys?.[Symbol.asyncDispose]()
    await cluster?.stop()
    if (folder) await rm(folder, { recursive: true, force: true })
  })

  const ctl = async (...args: string[]): Promise<string> => {
    const env = { ...process.env, DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: cluster.endpoints.join() }
    const { code, out, err } = await run(calicoctl!, args, { env })
    if (code !== 0) throw new Error(`calicoctl ${args.join(' ')}: ${out}${err}`)
    return out
  }
  const specs = async (...args: string[]) => {
    const { items } = JSON.parse(await ctl('get', ...args, '-o', 'json'))
    return Object.fromEntries(items.map(({ metadata, spec }: any) => [metadata.name, spec]))
  }

  it('calicoctl reads what we write', async () => {
    expect(Object.keys(await specs('tiers')).sort()).toEqual(['default', 'kube-admin', 'kube-baseline'])
    const pool = { cidr: '10.240.0.0/16', vxlanMode: 'Always', ipipMode: 'Never', natOutgoing: true } as const
    await createChecked(datastore, IpPool, { metadata: { name: 'ours' }, spec: pool })
    expect(await specs('ippools')).toMatchObject({ ours: pool })
    await createChecked(datastore, Tier, { metadata: { name: 'security' }, spec: { order: 100 } })
    const rules = {
      selector: 'app == "web"',
      ingress: [{ action: 'Deny', source: { nets: ['192.0.2.0/24'] } }],
    } as const
    await createChecked(datastore, GlobalNetworkPolicy, {
      metadata: { name: 'ban' },
      spec: { ...rules, tier: 'security' } as any,
    })
    await createChecked(datastore, CalicoNetworkPolicy, {
      metadata: { name: 'own', namespace: 'shop' },
      spec: rules as any,
    })
    await createChecked(datastore, BgpPeer, {
      metadata: { name: 'tor' },
      spec: { peerIP: '10.0.0.1', asNumber: 64512 },
    })
    expect(await specs('globalnetworkpolicies')).toMatchObject({
      ban: { tier: 'security', types: ['Ingress'], ...rules },
    })
    expect(await specs('networkpolicies', '-A')).toMatchObject({
      own: { tier: 'default', types: ['Ingress'], ...rules },
    })
    expect(await specs('bgppeers')).toMatchObject({ tor: { peerIP: '10.0.0.1', asNumber: 64512 } })
  })

  it('and counts the addresses that our blocks and handles give', async () => {
    const address = { metadata: { name: 'h' }, spec: { handleID: 'h', block: { '10.240.0.0/26': 1 } } }
    await datastore.create(IpamHandle, address)
    const affinity = { cidr: '10.240.0.0/26', node: 'n1', state: 'confirmed', deleted: 'false' } as const
    await datastore.create(BlockAffinity, { metadata: { name: 'n1-10-240-0-0-26' }, spec: affinity })
    const free = Array.from({ length: 63 }, (_, i) => i + 1)
    await datastore.create(IpamBlock, {
      metadata: { name: '10-240-0-0-26' },
      spec: {
        cidr: '10.240.0.0/26',
        affinity: 'host:n1',
        strictAffinity: false,
        allocations: [0, ...free.map(() => null)],
        unallocated: free,
        attributes: [{ handle_id: 'h', secondary: { node: 'n1', namespace: 'default', pod: 'a' } }],
      } as any,
    })
    expect(await ctl('ipam', 'show')).toMatch(/10\.240\.0\.0\/16 .* 65536 \| 1 \(0%\)/)
    expect(await ctl('ipam', 'show', '--ip=10.240.0.0')).toContain('IP 10.240.0.0 is in use')
    await ctl('ipam', 'release', '--ip=10.240.0.0', '--force')
    expect((await datastore.list(IpamBlock)).flatMap(b => b.spec.allocations.filter(a => a !== null))).toEqual([])
  })

  it('we read what calicoctl writes, and do not write over it', async () => {
    const before = (await datastore.get(IpPool, 'ours'))!
    await ctl('patch', 'ippool', 'ours', '-p', '{"spec":{"disabled":true}}')
    expect((await datastore.get(IpPool, 'ours'))!.spec.disabled).toBe(true)
    await expect(datastore.update(IpPool, before)).rejects.toThrow('was changed by somebody else meanwhile')
    const theirs = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'GlobalNetworkPolicy',
      metadata: { name: 'theirs' },
      spec: { order: 5, selector: 'all()', egress: [{ action: 'Allow' }] },
    }
    const file = join(folder, 'theirs.json')
    await writeFile(file, JSON.stringify(theirs))
    await ctl('apply', '-f', file)
    expect((await datastore.get(GlobalNetworkPolicy, 'theirs'))!.spec).toMatchObject({ order: 5, types: ['Egress'] })
    await datastore.delete(IpPool, (await datastore.get(IpPool, 'ours'))!)
    expect(await specs('ippools')).toEqual({})
  })
})
