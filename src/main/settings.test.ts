import { expect, test } from 'vitest'
import type { BadSetting } from './bad-setting.ts'
import { cgroupOptions } from './cgroup-settings.ts'
import { evictionOptions } from './eviction-settings.ts'
import { registrationOptions } from './registration-settings.ts'
import { resolveSettings } from './settings.ts'

const machine = { root: true, containerd: true, hostname: 'Box.local' }

test('a misspelt setting of a file is told with what was meant, not with all that there are', () => {
  const refused = (file: string) => {
    try {
      resolveSettings({ flags: {}, env: {}, machine, file })
    } catch (error) {
      return (error as BadSetting).hint
    }
    return undefined
  }
  expect(refused('data-dirr: /x')).toBe('Did you mean data-dir?')
  expect(refused('port: 1')).toBe('Settings have the names of the flags, without --: see "optiflow up --help".')
})

test('flags win over variables, variables over the config file, and that over the defaults', () => {
  const settings = resolveSettings({
    flags: { nodes: '3' },
    env: { OPTIFLOW_NODES: '2', OPTIFLOW_LISTEN: '0.0.0.0:7443' },
    file: 'nodes: 1\nlisten: 127.0.0.1:1\ncluster-domain: home.arpa\n',
    machine,
  })
  expect(settings).toMatchObject({
    nodes: 3,
    listen: { host: '0.0.0.0', port: 7443 },
    clusterDomain: 'home.arpa',
    runtime: 'containerd',
    nodeName: 'box.local',
    dataDir: '/var/lib/optiflow',
  })
})

test('without root the runtime is simulated unless asked for', () => {
  expect(resolveSettings({ flags: {}, env: {}, machine: { ...machine, root: false } }).runtime).toBe('simulated')
})

test("with another network plugin policies are that plugin's, and ours cannot be asked for", () => {
  const resolve = (flags: Record<string, string>) => resolveSettings({ flags, env: {}, machine })
  expect(resolve({}).networkPolicy).toBe('builtin')
  expect(resolve({ network: 'cni' })).toMatchObject({ networkPolicy: 'off', cniConfDir: '/etc/cni/net.d' })
  expect(() => resolve({ network: 'cni', 'network-policy': 'builtin' })).toThrow('--network-policy builtin needs')
})

test('what controllers can be told has the defaults of Kubernetes 1.32', () => {
  const flags = { 'secondary-node-eviction-rate': '0', 'horizontal-pod-autoscaler-sync-period': '5s' }
  expect(
    resolveSettings({
      flags,
      env: {},
      file: 'terminated-pod-gc-threshold: 100\ncluster-signing-duration: 24h\n',
      machine,
    }),
  ).toMatchObject({
    nodeEvictionRate: 0.1,
    secondaryNodeEvictionRate: 0,
    unhealthyZoneThreshold: 0.55,
    largeClusterSizeThreshold: 50,
    nodeMonitorGracePeriodMs: 50_000,
    terminatedPodGcThreshold: 100,
    hpaSyncPeriodMs: 5_000,
    clusterSigningDurationMs: 86_400_000,
  })
})

test('what a node keeps and waits for is read into amounts', () => {
  const flags = {
    'system-reserved': 'cpu=500m,memory=1Gi',
    'shutdown-grace-period': '1m30s',
    'allowed-unsafe-sysctls': 'a.b,c*',
  }
  expect(resolveSettings({ flags, env: {}, machine })).toMatchObject({
    systemReserved: { cpu: '500m', memory: '1Gi' },
    shutdownGracePeriodMs: 90_000,
    allowedUnsafeSysctls: ['a.b', 'c*'],
  })
})

test.each([
  [{ flags: { listen: 'here' } }, '--listen: "here" is not HOST:PORT, such as 127.0.0.1:6443'],
  [
    { env: { OPTIFLOW_STORE: 'postgres' } },
    'OPTIFLOW_STORE: "postgres" is not sqlite, memory or etcd=URL,… such as etcd=http://127.0.0.1:2379',
  ],
  [
    { flags: { 'system-reserved': 'cpu=lots' } },
    '--system-reserved: "cpu=lots" is not RESOURCE=AMOUNT,… such as cpu=500m,memory=1Gi,ephemeral-storage=10Gi',
  ],
  [
    { flags: { 'eviction-hard': 'memory' } },
    '--eviction-hard: "memory" is not SIGNAL<VALUE,… such as memory.available<100Mi,nodefs.available<10%',
  ],
  [
    { flags: { 'cgroup-driver': 'systemd' } },
    '--cgroup-driver: "systemd" is not supported with a containerd of our own, which makes control groups below /kubepods itself; systemd leaves those alone. Leave it out, or pass --container-runtime-endpoint of a runtime whose driver is systemd',
  ],
  [
    { flags: { 'shutdown-grace-period': 'soon' } },
    '--shutdown-grace-period: "soon" is not a duration such as 30s or 1m30s',
  ],
  [
    { flags: { 'qos-reserved': 'memory=half' } },
    '--qos-reserved: "memory=half" is not memory=PERCENT%, such as memory=50%',
  ],
  [
    { flags: { 'cgroup-root': '/a/../b' } },
    '--cgroup-root: "/a/../b" is not the path of a control group, such as / or /tenants/a',
  ],
  [{ flags: { 'node-eviction-rate': 'fast' } }, '--node-eviction-rate: "fast" is not a number from 0 to 1000'],
  [{ flags: { 'unhealthy-zone-threshold': '55' } }, '--unhealthy-zone-threshold: "55" is not a number from 0 to 1'],
  [{ flags: { 'node-monitor-grace-period': '50ms' } }, '--node-monitor-grace-period: "50ms" is less than 1s'],
  [{ flags: { nodes: '-1' } }, '--nodes: "-1" is not a whole number from 0 to 10000'],
  [{ file: 'runtime: docker' }, 'runtime in the config file: "docker" is not one of containerd, simulated'],
  [{ file: 'port: 1' }, 'the config file has an unknown setting "port"'],
])('a bad setting is refused by name %#', (sources, message) => {
  expect(() => resolveSettings({ flags: {}, env: {}, machine, ...sources })).toThrow(message)
})

test.each([
  [
    { 'enforce-node-allocatable': 'all' },
    '--enforce-node-allocatable: "all" is not a list of pods, system-reserved, system-reserved-compressible, kube-reserved, kube-reserved-compressible, none',
  ],
  [{ 'enforce-node-allocatable': 'none,pods' }, '"none,pods" says none, and names others'],
  [
    { 'enforce-node-allocatable': 'kube-reserved,kube-reserved-compressible' },
    'names both kube-reserved and kube-reserved-compressible; choose one',
  ],
  [
    { 'enforce-node-allocatable': 'pods,system-reserved' },
    '--enforce-node-allocatable system-reserved needs --system-reserved-cgroup, the group to be bounded',
  ],
  [
    {
      'enforce-node-allocatable': 'kube-reserved-compressible',
      'kube-reserved-cgroup': '/kube.slice',
      'cgroups-per-qos': 'false',
    },
    '--enforce-node-allocatable kube-reserved-compressible needs --cgroups-per-qos true',
  ],
  [
    { 'reserved-cpus': '0', 'system-reserved-cgroup': '/system.slice' },
    '--reserved-cpus cannot be together with --system-reserved-cgroup or --kube-reserved-cgroup',
  ],
])('what is reserved is enforced only where that makes sense %#', (flags, message) => {
  expect(() => resolveSettings({ flags, env: {}, machine })).toThrow(message)
})

test('groups of what is reserved get what is kept off pods for them', () => {
  const options = (flags: Record<string, string>) => {
    const settings = resolveSettings({ flags, env: {}, machine })
    return cgroupOptions(settings, { system: { cpu: '1' }, kube: { memory: '1Gi', pid: '500' } })
  }
  expect(options({})).toMatchObject({ enforceAllocatable: true, reservedGroups: [] })
  const flags = {
    'enforce-node-allocatable': 'system-reserved-compressible,kube-reserved',
    'system-reserved-cgroup': '/system.slice',
    'kube-reserved-cgroup': '/kube',
    'kube-reserved': 'memory=1Gi,pid=500',
  }
  expect(options(flags)).toMatchObject({
    enforceAllocatable: false,
    reservedGroups: [
      { of: 'system', group: '/system.slice', amounts: { cpu: '1' }, compressibleOnly: true },
      { of: 'kube', group: '/kube', amounts: { memory: '1Gi', pid: '500' }, compressibleOnly: false },
    ],
  })
})

test('how a node keeps its disk free is read, and refused where it contradicts itself', () => {
  const resolve = (flags: Record<string, string>) => resolveSettings({ flags, env: {}, machine })
  expect(resolve({ 'image-maximum-gc-age': '168h', 'container-log-max-size': '50Mi' })).toMatchObject({
    imageGcHighThresholdPercent: 85,
    imageMinimumAgeMs: 120_000,
    imageMaximumAgeMs: 7 * 86_400_000,
    containerLogMaxBytes: 50 << 20,
    containerLogMaxFiles: 5,
  })
  expect(() => resolve({ 'image-gc-high-threshold': '80' })).toThrow('must be less than --image-gc-high-threshold 80')
  expect(() => resolve({ 'image-maximum-gc-age': '1m' })).toThrow('--image-maximum-gc-age must not be shorter than')
  expect(() => resolve({ 'container-log-max-files': '1' })).toThrow('--container-log-max-files')
})

test('what a node keeps for itself and waits for can be told more finely', () => {
  const resolve = (flags: Record<string, string>) => resolveSettings({ flags, env: {}, machine })
  expect(resolve({})).toMatchObject({ seccompDefault: 'true', cpuManagerPolicyOptions: {} })
  expect(
    resolve({
      'shutdown-grace-period-by-pod-priority': '0=20s,100000=1m30s',
      'cpu-manager-policy-options': 'full-pcpus-only=true',
      'reserved-cpus': '0-1,4',
      'memory-manager-policy': 'Static',
      'reserved-memory': '0:memory=256Mi,hugepages-2Mi=64Mi;1:memory=100Mi',
    }),
  ).toMatchObject({
    shutdownGracePeriodByPodPriority: [
      { priority: 0, graceMs: 20_000 },
      { priority: 100_000, graceMs: 90_000 },
    ],
    cpuManagerPolicyOptions: { fullCoresOnly: true },
    reservedCpus: [0, 1, 4],
    memoryManagerPolicy: 'Static',
    reservedMemory: [
      { numaNode: 0, limits: { memory: '256Mi', 'hugepages-2Mi': '64Mi' } },
      { numaNode: 1, limits: { memory: '100Mi' } },
    ],
  })
  expect(() => resolve({ 'shutdown-grace-period-by-pod-priority': 'high=1s' })).toThrow('is not PRIORITY=DURATION')
  expect(() => resolve({ 'cpu-manager-policy-options': 'align-by-socket=true' })).toThrow('the options that there are')
  expect(() => resolve({ 'memory-manager-policy': 'static' })).toThrow('is not one of None, Static')
  for (const wrong of ['memory=1Gi', '0:cpu=1', '0:memory=much', '0:memory=0', '0:'])
    expect(() => resolve({ 'reserved-memory': wrong })).toThrow('is not NUMA-NODE:memory=AMOUNT')
  expect(() => resolve({ 'reserved-memory': '0:memory=1Gi;0:memory=1Gi' })).toThrow('names one NUMA node twice')
  expect(() => resolve({ 'reserved-memory': '0:memory=1Gi,memory=2Gi' })).toThrow('names one resource of 0 twice')
  expect(() => resolve({ 'shutdown-grace-period-by-pod-priority': '0=1s', 'shutdown-grace-period': '1m' })).toThrow(
    'takes the place of --shutdown-grace-period',
  )
})

test('how a node registers, and how much it takes on at once', () => {
  const resolve = (flags: Record<string, string>) => resolveSettings({ flags, env: {}, machine })
  expect(resolve({})).toMatchObject({ nodeLabels: {}, registerWithTaints: [], maxPods: 110, maxParallelImagePulls: 5 })
  const settings = resolve({
    'node-labels': 'topology.kubernetes.io/zone=a,team=core,node.kubernetes.io/pool=',
    'register-with-taints': 'dedicated=gpu:NoSchedule,a.b/alone:NoExecute',
    'max-pods': '250',
    'serialize-image-pulls': 'true',
  })
  expect(settings.nodeLabels).toEqual({
    'topology.kubernetes.io/zone': 'a',
    team: 'core',
    'node.kubernetes.io/pool': '',
  })
  const taints = [
    { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' },
    { key: 'a.b/alone', effect: 'NoExecute' },
  ]
  expect(registrationOptions(settings)).toEqual({ taints, maxPods: 250, parallelPulls: 1 })
  expect(() => resolve({ 'node-labels': 'a b=c' })).toThrow('is not KEY=VALUE')
  expect(() => resolve({ 'node-labels': 'node-role.kubernetes.io/worker=' })).toThrow(
    'names node-role.kubernetes.io/worker',
  )
  expect(() => resolve({ 'register-with-taints': 'a=b:Never' })).toThrow('is not KEY=VALUE:EFFECT')
  expect(() => resolve({ 'register-with-taints': 'a=b:NoExecute,a=c:NoExecute' })).toThrow(
    'one key with one effect twice',
  )
  expect(() => resolve({ 'max-pods': '0' })).toThrow('--max-pods')
})

test('how long a node waits for pods that it ends, and how it resolves names, can be told', () => {
  const resolve = (flags: Record<string, string>) => resolveSettings({ flags, env: {}, machine })
  const flags = {
    'eviction-max-pod-grace-period': '30',
    'eviction-pressure-transition-period': '1m',
    'eviction-soft': 'memory.available<1Gi',
    'eviction-soft-grace-period': 'memory.available=1m',
    'resolv-conf': '/run/names.conf',
  }
  const settings = resolve(flags)
  expect(settings.resolvConf).toBe('/run/names.conf')
  expect(evictionOptions(settings)).toEqual({
    eviction: {
      soft: 'memory.available<1Gi',
      softGracePeriod: 'memory.available=1m',
      maxPodGraceMs: 30_000,
      transitionMs: 60_000,
    },
  })
  expect(evictionOptions(resolve({}))).toEqual({ eviction: { transitionMs: 300_000 } })
  expect(() => resolve({ 'eviction-max-pod-grace-period': '-2' })).toThrow('--eviction-max-pod-grace-period')
  expect(() => resolve({ 'eviction-pressure-transition-period': 'soon' })).toThrow('is not a duration')
})
