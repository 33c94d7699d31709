import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { shapeManifest } from '../../../../tests/calico/shape.ts'
import { planRuleRemoval } from './host-rules.ts'
import { type CalicoManifest, checkVersion, containerOf, readManifest, verifyDigest } from './manifest.ts'
import type { ManifestSettings } from './manifest-settings.ts'
import { orderObjects } from './order.ts'
import { patchManifest } from './patch-manifest.ts'
import { checkUpgrade } from './upgrade.ts'

let text: string
let manifest: CalicoManifest
beforeAll(async () => {
  text = await shapeManifest({ nodeImage: 'stub/node:v3.32.1', controllersImage: 'stub/c:v3.32.1', host: '' })
  manifest = readManifest(text, 'shape.yaml')
})
const settings: ManifestSettings = {
  encapsulation: 'vxlan',
  podCidr: '10.240.0.0/16',
  api: { host: '10.0.0.1', port: 6443 },
}
const patched = (more: Partial<ManifestSettings> = {}) => patchManifest(manifest, { ...settings, ...more })
const find = (objects: any[], kind: string, name: string) =>
  objects.find(o => o.kind === kind && o.metadata.name === name)

describe('a manifest', () => {
  test('is recognised by what is in it', () => {
    expect(manifest).toMatchObject({ version: 'v3.32.1', datastore: 'kubernetes' })
    expect(() => checkVersion(manifest)).not.toThrow()
  })

  test.each([
    ['kind: [', 'is no YAML'],
    ['apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n', 'has no DaemonSet calico-node'],
    [
      'apiVersion: operator.tigera.io/v1\nkind: Installation\nmetadata: { name: default }\n',
      "has no DaemonSet calico-node: it is the operator's",
    ],
    ['kind: List\nitems: []\n', 'an object without apiVersion, kind or name'],
  ])('that is none is refused: %s', (bad, reason) => {
    expect(() => readManifest(bad, 'x.yaml')).toThrow(reason)
  })

  test.each(['v3.27.9', 'v3.33.0', 'v4.0.0', 'latest', 'unknown'])('of version %s is refused', version => {
    expect(() => checkVersion({ ...manifest, version })).toThrow('is not one of the releases that this program knows')
  })

  test('is taken only with the digest that was said', () => {
    const digest = createHash('sha256').update(text).digest('hex')
    expect(() => verifyDigest(text, digest.toUpperCase(), 'x.yaml')).not.toThrow()
    expect(() => verifyDigest(`${text} `, digest, 'x.yaml')).toThrow(/x.yaml has the SHA-256 digest [0-9a-f]{64}, not/)
    expect(() => verifyDigest(text, 'abc', 'x.yaml')).toThrow('"abc" is no SHA-256 digest')
  })
})

describe('the manifest as it is applied', () => {
  test('says the pool, the encapsulation and where the API is, and is otherwise as it was', () => {
    const objects = patched({ mtu: 1400 })
    const entries: [string, string][] = containerOf(find(objects, 'DaemonSet', 'calico-node')).env.map((e: any) => [
      e.name,
      e.value,
    ])
    const env = Object.fromEntries(entries)
    expect(Object.keys(env)).toHaveLength(entries.length)
    expect(env).toMatchObject({
      CALICO_IPV4POOL_CIDR: '10.240.0.0/16',
      CALICO_IPV4POOL_VXLAN: 'Always',
      CALICO_IPV4POOL_IPIP: 'Never',
      IP_AUTODETECTION_METHOD: 'kubernetes-internal-ip',
      DATASTORE_TYPE: 'kubernetes',
    })
    expect(find(objects, 'ConfigMap', 'calico-config').data).toMatchObject({
      calico_backend: 'vxlan',
      veth_mtu: '1400',
    })
    expect(find(objects, 'ConfigMap', 'kubernetes-services-endpoint')).toMatchObject({
      metadata: { namespace: 'kube-system' },
      data: { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' },
    })
    expect(objects).toHaveLength(manifest.objects.length + 1)
    expect(readManifest(text, 'x').objects).toEqual(manifest.objects)
  })

  test('runs no BGP where the manifest has none', () => {
    expect(() => patched({ encapsulation: 'none' })).toThrow('this manifest runs no BGP, which "none" needs')
  })

  test('asks BIRD only where it runs', () => {
    const bird = structuredClone(manifest)
    const container = containerOf(find(bird.objects, 'DaemonSet', 'calico-node'))
    container.livenessProbe.exec.command.push('-bird-live')
    container.readinessProbe.exec.command.push('-bird-ready')
    const commands = (encapsulation: ManifestSettings['encapsulation']) => {
      const objects = patchManifest(bird, { ...settings, encapsulation })
      const { livenessProbe, readinessProbe } = containerOf(find(objects, 'DaemonSet', 'calico-node'))
      return [livenessProbe, readinessProbe].map(probe => probe.exec.command.at(-1))
    }
    expect(commands('vxlan')).toEqual(['-felix-live', '-felix-ready'])
    expect(commands('ipip')).toEqual(['-bird-live', '-bird-ready'])
  })

  test('keeps its datastore', () => {
    const etcd = { endpoints: ['http://10.0.0.5:2379'] }
    expect(() => patched({ etcd })).toThrow('the manifest must be calico-etcd.yaml')
    const other = structuredClone(manifest)
    find(other.objects, 'ConfigMap', 'calico-config').data.etcd_endpoints = 'http://<ETCD_IP>'
    const read = { ...other, datastore: 'etcd' as const }
    expect(() => patchManifest(read, settings)).toThrow('this manifest keeps its objects in etcd')
    const data = find(
      patchManifest(read, { ...settings, etcd: { ...etcd, ca: 'PEM' } }),
      'ConfigMap',
      'calico-config',
    ).data
    expect(data).toMatchObject({
      etcd_endpoints: 'http://10.0.0.5:2379',
      etcd_ca: '/calico-secrets/etcd-ca',
      etcd_key: '',
    })
  })

  test('goes in the order in which its parts need each other', () => {
    const { definitions, foundations, workloads } = orderObjects(patched())
    expect(definitions.every(o => o.kind === 'CustomResourceDefinition')).toBe(true)
    expect(workloads.map(o => o.kind)).toEqual(['DaemonSet', 'Deployment'])
    const kinds = foundations.map(o => o.kind)
    expect(kinds.indexOf('ServiceAccount')).toBeLessThan(kinds.indexOf('ClusterRoleBinding'))
    expect(kinds).toContain('PodDisruptionBudget')
  })
})

test.each([
  ['v3.31.5', 'v3.32.1', undefined],
  ['v3.32.1', 'v3.32.1', undefined],
  ['v3.32.1', 'v3.32.0', 'v3.32.0 is older than v3.32.1'],
  ['v3.30.0', 'v3.32.1', 'skips versions'],
])('an upgrade from %s to %s: %s', (from, to, refusal) => {
  if (refusal) expect(() => checkUpgrade(from, to)).toThrow(refusal)
  else expect(() => checkUpgrade(from, to)).not.toThrow()
})

test("Calico's chains go, with the rules that lead to them, and those of others stay", () => {
  const saved = `*filter
:INPUT ACCEPT [0:0]
:KUBE-X - [0:0]
:cali-INPUT - [0:0]
:cali-fw-abc - [0:0]
-A INPUT -m comment --comment "cali:x1" -j cali-INPUT
-A INPUT -j KUBE-X
-A FORWARD -m comment --comment "cali:x2" -m mark --mark 0x10000/0x10000 -j ACCEPT
-A cali-INPUT -j cali-fw-abc
COMMIT
*nat
:OUTPUT ACCEPT [0:0]
COMMIT
`
  expect(planRuleRemoval(saved)).toEqual({
    chains: 2,
    script: `*filter
-D INPUT -m comment --comment "cali:x1" -j cali-INPUT
-D FORWARD -m comment --comment "cali:x2" -m mark --mark 0x10000/0x10000 -j ACCEPT
-F cali-INPUT
-F cali-fw-abc
-X cali-INPUT
-X cali-fw-abc
COMMIT
`,
  })
  expect(planRuleRemoval('*nat\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n')).toEqual({ chains: 0, script: '' })
})
