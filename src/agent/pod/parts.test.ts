import { describe, expect, it } from 'vitest'
import type { Container, Pod, PodSpec, Service } from '../../models/types/core-v1.ts'
import type { HostMemory } from '../node/host-memory.ts'
import { crashDelayMs } from './back-off.ts'
import { fieldValue, resourceValue } from './downward.ts'
import { environmentOf } from './environment.ts'
import { expand } from './expansion.ts'
import { dnsOf, hostnameOf, hostsFile, parseResolvConf } from './name-resolution.ts'
import { qosClassOf } from './qos.ts'
import { containerResources, podRequests, swapLimit } from './resources.ts'
import { checkNonRoot, containerSecurity } from './security.ts'

const pod = (spec: Partial<PodSpec> = {}): Pod =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'shop', uid: 'u', labels: { b: '2', a: 'x"y' } },
    spec: { containers: [{ name: 'main' }], ...spec },
  }) as unknown as Pod
const facts = (p = pod()) => ({
  pod: p,
  podIps: ['10.1.0.2', 'fd00::2'],
  hostIps: ['10.0.0.1'],
  allocatable: { cpu: '4', memory: '8Gi' },
})
const main = (more: Partial<Container>): Container => ({ name: 'main', ...more })

describe('expansion', () => {
  const values: Record<string, string> = { A: 'a', EMPTY: '' }
  it.each([
    ['$(A)-$(A)', 'a-a'],
    ['$(B)', '$(B)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$a'],
    ['$A {A} $', '$A {A} $'],
    ['$(A', '$(A'],
    ['x$(EMPTY)y', 'xy'],
  ])('%s is %s', (text, wanted) => {
    expect(expand(text, name => values[name])).toBe(wanted)
  })
})

describe('the environment', () => {
  const service = {
    metadata: { name: 'my-db', namespace: 'shop' },
    spec: { clusterIP: '10.96.0.7', ports: [{ name: 'sql', port: 5432 }] },
  } as Service
  const sources = {
    configMap: async (_: string, name: string) => (name === 'cfg' ? ({ data: { k: 'v', l: 'w' } } as any) : undefined),
    secret: async (_: string, name: string) => (name === 'sec' ? ({ data: { p: 'cHc=' } } as any) : undefined),
    services: () => [service],
  }
  const of = async (container: Partial<Container>) =>
    Object.fromEntries((await environmentOf(main(container), facts(), sources)).map(e => [e.name, e.value]))

  it('lists services, then envFrom, then env, each over the ones before', async () => {
    expect(
      await of({
        envFrom: [{ prefix: 'C_', configMapRef: { name: 'cfg' } }, { secretRef: { name: 'sec' } }],
        env: [
          { name: 'C_k', value: 'mine' },
          { name: 'URL', value: 'pg://$(MY_DB_SERVICE_HOST)/$(C_l)/$(LATER)' },
          { name: 'LATER', value: '1' },
        ],
      }),
    ).toEqual({
      MY_DB_SERVICE_HOST: '10.96.0.7',
      MY_DB_SERVICE_PORT: '5432',
      MY_DB_SERVICE_PORT_SQL: '5432',
      MY_DB_PORT: 'tcp://10.96.0.7:5432',
      MY_DB_PORT_5432_TCP: 'tcp://10.96.0.7:5432',
      MY_DB_PORT_5432_TCP_PROTO: 'tcp',
      MY_DB_PORT_5432_TCP_PORT: '5432',
      MY_DB_PORT_5432_TCP_ADDR: '10.96.0.7',
      C_k: 'mine',
      C_l: 'w',
      p: 'pw',
      URL: 'pg://10.96.0.7/w/$(LATER)',
      LATER: '1',
    })
  })

  it.each<[Partial<Container>, string]>([
    [{ envFrom: [{ configMapRef: { name: 'no' } }] }, 'configmap "no" not found'],
    [{ envFrom: [{ secretRef: { name: 'no' } }] }, 'secret "no" not found'],
    [
      { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'x' } } }] },
      "couldn't find key x in ConfigMap shop/cfg",
    ],
    [
      { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'sec', key: 'constructor' } } }] },
      "couldn't find key constructor in Secret shop/sec",
    ],
  ])('says what is missing: %j', async (container, message) => {
    await expect(of(container)).rejects.toThrow(message)
  })

  it('does without what is optional', async () => {
    const { A } = await of({
      env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'no', key: 'x', optional: true } } }],
    })
    expect(A).toBeUndefined()
  })
})

describe('what a pod is told of itself', () => {
  it.each([
    ["metadata.labels['b']", '2'],
    ["metadata.labels['constructor']", ''],
    ['metadata.labels', 'a="x\\"y"\nb="2"'],
    ['status.podIPs', '10.1.0.2,fd00::2'],
    ['status.hostIP', '10.0.0.1'],
  ])('%s is %j', (path, wanted) => expect(fieldValue(facts(), path)).toBe(wanted))

  it.each([
    [{ resource: 'limits.cpu' }, '1'],
    [{ resource: 'limits.cpu', divisor: '1m' }, '250'],
    [{ resource: 'requests.memory', divisor: '1Mi' }, '64'],
    [{ resource: 'limits.memory', divisor: '1Gi' }, '8'],
  ])('%j is %s', (from, wanted) => {
    const p = pod({ containers: [main({ resources: { limits: { cpu: '250m' }, requests: { memory: '64Mi' } } })] })
    expect(resourceValue(facts(p), from, 'main')).toBe(wanted)
  })
})

describe('resources', () => {
  const host: HostMemory = {
    ...{ bytes: 2 ** 33, swapBytes: 0, swapBehavior: 'NoSwap', hugepages: [] },
    ...{ unified: false, oomGroup: false },
  }
  const with_ = (resources: Container['resources']) => pod({ containers: [main({ resources })] })
  it.each([
    [undefined, 'BestEffort'],
    [{ requests: { cpu: '1' } }, 'Burstable'],
    [{ limits: { cpu: '1' } }, 'Burstable'],
    [{ limits: { cpu: '1', memory: '1Gi' } }, 'Guaranteed'],
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1Gi' } }, 'Guaranteed'],
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } }, 'Burstable'],
  ] as const)('%j is %s', (resources, wanted) => expect(qosClassOf(with_(resources as never).spec)).toBe(wanted))

  it('become shares, quota, limits and a place in the queue of the out-of-memory killer', () => {
    const p = with_({ requests: { cpu: '250m', memory: '1Gi' }, limits: { cpu: '500m', memory: '2Gi' } })
    expect(containerResources(p, p.spec.containers[0]!, host)).toEqual({
      cpuShares: 256,
      cpuQuotaMicros: 50_000,
      cpuPeriodMicros: 100_000,
      memoryLimitBytes: 2 ** 31,
      memorySwapLimitBytes: 2 ** 31,
      oomScoreAdj: 875,
    })
    const { cpuQuotaMicros: _, cpuPeriodMicros: __, ...others } = containerResources(p, p.spec.containers[0]!, host)
    // Where limits of processors do not hold, all else does.
    expect(containerResources(p, p.spec.containers[0]!, host, false)).toEqual(others)
    expect(containerResources(pod(), main({}), host)).toEqual({ cpuShares: 2, oomScoreAdj: 1000 })
  })

  it('name the huge pages of every size, and with version 2 of control groups what ends and swaps a container', () => {
    const huge = { ...host, hugepages: ['hugepages-2Mi', 'hugepages-1Gi'], unified: true, oomGroup: true }
    const p = with_({ limits: { 'hugepages-2Mi': '4Mi', memory: '1Gi' } })
    expect(containerResources(p, p.spec.containers[0]!, huge)).toMatchObject({
      hugepages: [
        { pageSize: '2MB', limitBytes: 2 ** 22 },
        { pageSize: '1GB', limitBytes: 0 },
      ],
      unified: { 'memory.oom.group': '1' },
    })
    const { unified } = containerResources(p, p.spec.containers[0]!, { ...huge, swapBytes: 2 ** 30 })
    expect(unified).toEqual({ 'memory.oom.group': '1', 'memory.swap.max': '0' })
    const single = { ...huge, swapBytes: 2 ** 30, oomGroup: false }
    expect(containerResources(p, p.spec.containers[0]!, single).unified).toEqual({ 'memory.swap.max': '0' })
  })

  it.each<[Container['resources'], number, Partial<HostMemory>?]>([
    [{ requests: { memory: '1Gi' } }, 2 ** 28],
    [{ requests: { memory: '1Gi' }, limits: { memory: '2Gi' } }, 2 ** 28],
    [{ requests: { memory: '1Gi' } }, 0, { swapBehavior: 'NoSwap' }],
    [{ requests: { memory: '1Gi', cpu: '1' }, limits: { memory: '1Gi' } }, 0],
    [{ requests: { memory: '1Gi', cpu: '1' }, limits: { memory: '1Gi', cpu: '1' } }, 0],
    [{ requests: { cpu: '1' } }, 0],
    [undefined, 0],
  ])('%j may have %i bytes of 2 GiB swap beside 8 GiB memory', (resources, bytes, more = {}) => {
    const p = with_(resources)
    const swapping: HostMemory = { ...host, unified: true, swapBytes: 2 ** 31, swapBehavior: 'LimitedSwap', ...more }
    expect(swapLimit(p, p.spec.containers[0]!, swapping)).toBe(bytes)
  })

  it('of a pod count sidecars beside, and init containers where they are more', () => {
    const cpu = (amount: string) => ({ resources: { requests: { cpu: amount } } })
    const spec: PodSpec = {
      containers: [main(cpu('1'))],
      initContainers: [
        { name: 's', restartPolicy: 'Always', ...cpu('500m') },
        { name: 'i', ...cpu('2') },
      ],
      overhead: { cpu: '100m' },
    }
    expect(podRequests(spec).get('cpu')).toBe(2600)
  })
})

describe('security settings', () => {
  it('of the container go over those of the pod', () => {
    const p = pod({ securityContext: { runAsUser: 1, runAsGroup: 2, fsGroup: 3, supplementalGroups: [4] } })
    expect(
      containerSecurity(p, main({ securityContext: { runAsUser: 9, allowPrivilegeEscalation: false } })),
    ).toMatchObject({
      runAsUser: 9,
      runAsGroup: 2,
      supplementalGroups: [4, 3],
      noNewPrivileges: true,
      seccomp: 'RuntimeDefault',
      privileged: false,
    })
  })

  it('bound by seccomp what says nothing of it, unless the node is told otherwise', () => {
    const seccomp = (spec: Partial<PodSpec>, byDefault?: boolean) =>
      containerSecurity(pod(spec), main({}), byDefault).seccomp
    const asked = { securityContext: { seccompProfile: { type: 'RuntimeDefault' } } } as Partial<PodSpec>
    expect([seccomp({}), seccomp({}, false), seccomp(asked, false)]).toEqual([
      'RuntimeDefault',
      'Unconfined',
      'RuntimeDefault',
    ])
  })

  const nonRoot = pod({ securityContext: { runAsNonRoot: true } })
  it.each([
    [{ securityContext: { runAsUser: 0 } }, undefined, /breaks non-root policy/],
    [{}, undefined, /image will run as root/],
    [{}, '0:0', /image will run as root/],
    [{}, 'nobody', /non-numeric user/],
    [{}, '1000', undefined],
    [{ securityContext: { runAsUser: 5 } }, undefined, undefined],
    [{ securityContext: { runAsNonRoot: false } }, undefined, undefined],
  ])('runAsNonRoot with %j and image user %s', (more, user, problem) => {
    const check = () =>
      checkNonRoot(nonRoot, main(more), user === undefined ? undefined : { ref: 'r', names: [], sizeBytes: 0, user })
    if (problem) expect(check).toThrow(problem)
    else check()
  })
})

describe('name resolution', () => {
  const cluster = { servers: ['10.96.0.10'], domain: 'cluster.local' }
  const host = parseResolvConf('# x\nnameserver 9.9.9.9\nsearch corp.example\noptions edns0\n')
  const own = ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp.example']
  it.each<[Partial<PodSpec>, object]>([
    [{}, { servers: ['10.96.0.10'], searches: own, options: ['ndots:5'] }],
    [{ hostNetwork: true }, host],
    [
      { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
      { servers: ['10.96.0.10'], searches: own, options: ['ndots:5'] },
    ],
    [{ dnsPolicy: 'Default' }, host],
    [
      {
        dnsPolicy: 'None',
        dnsConfig: { nameservers: ['1.1.1.1'], searches: ['x'], options: [{ name: 'ndots', value: '2' }] },
      },
      { servers: ['1.1.1.1'], searches: ['x'], options: ['ndots:2'] },
    ],
    [
      { dnsConfig: { options: [{ name: 'ndots', value: '1' }, { name: 'rotate' }] } },
      { servers: ['10.96.0.10'], searches: own, options: ['ndots:1', 'rotate'] },
    ],
  ])('%j', (spec, wanted) => expect(dnsOf(pod(spec), cluster, host)).toEqual(wanted))

  it('a pod knows its own name and its aliases', () => {
    const p = pod({ hostname: 'one', subdomain: 'all', hostAliases: [{ ip: '1.2.3.4', hostnames: ['a', 'b'] }] })
    expect(hostsFile(p, ['10.1.0.2'], 'cluster.local', '')).toMatch(
      /10\.1\.0\.2\tone\.all\.shop\.svc\.cluster\.local\tone\n\n# Entries added by HostAliases\.\n1\.2\.3\.4\ta\tb\n$/,
    )
    expect(hostnameOf(pod({ hostname: 'one', subdomain: 'all', setHostnameAsFQDN: true }), 'n', 'd')).toBe(
      'one.all.shop.svc.d',
    )
    expect(hostnameOf(pod({ hostname: `${'x'.repeat(62)}-y` }), 'n', 'd')).toBe('x'.repeat(62))
  })
})

it('a container that keeps crashing waits 0, 10, 20 … 300 s', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 8].map(crashes => crashDelayMs(crashes))).toEqual([
    0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000,
  ])
})
