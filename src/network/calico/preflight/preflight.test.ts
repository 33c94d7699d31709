import { describe, expect, test } from 'vitest'
import { nodeFindings } from './cluster.ts'
import { cniFinding } from './cni-configs.ts'
import { bpfFinding, sharedFinding } from './mounts.ts'
import { overlapFindings, routedNetworks } from './networks.ts'
import { listeningPorts } from './ports.ts'

const mount = (path: string, shared: boolean, type = 'ext4') => ({ path, type, shared })

describe('preflight', () => {
  test('a private mount is found, with how to share it', () => {
    const points = [mount('/', false), mount('/sys', true, 'sysfs')]
    expect(sharedFinding(points, '/sys/fs').level).toBe('ok')
    expect(sharedFinding(points, '/var/run/calico')).toMatchObject({
      level: 'fail',
      what: expect.stringContaining('/ is a private mount'),
      fix: expect.stringContaining('mount --make-rshared /'),
    })
  })

  test('a missing BPF file system is only a warning', () => {
    expect(bpfFinding([mount('/', true)]).level).toBe('warn')
    expect(bpfFinding([mount('/sys/fs/bpf', true, 'bpf')]).level).toBe('ok')
  })

  test("a configuration that would win over Calico's is found", () => {
    expect(cniFinding('/etc/cni/net.d', ['05-other.conf', '10-calico.conflist'])).toMatchObject({
      level: 'fail',
      what: '/etc/cni/net.d/05-other.conf comes before 10-calico.conflist and would be used instead',
    })
    expect(cniFinding('/etc/cni/net.d', ['10-calico.conflist', '87-podman.conflist', 'README']).level).toBe('ok')
    expect(cniFinding('/etc/cni/net.d', []).level).toBe('ok')
  })

  test('ports are taken by those that wait, not by those that talk', () => {
    const tcp = `  sl  local_address rem_address   st
   0: 00000000:00B3 00000000:0000 0A 00000000:00000000
   1: 0100007F:238B 0100007F:1F90 01 00000000:00000000
`
    expect(listeningPorts(tcp, 'tcp')).toEqual(['tcp 179'])
    expect(listeningPorts('head\n 5: 00000000:12B5 00000000:0000 07 0\n', 'udp6')).toEqual(['udp 4789'])
  })

  test('the pod network may not meet that of Services, nodes or interfaces, but its own', () => {
    const taken = routedNetworks(`default via 10.0.0.1 dev eth0
10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.5
10.244.3.0/26 via 10.0.0.6 dev eth0 proto 80 onlink
blackhole 10.244.0.0/26 proto 80
10.244.0.7 dev cali0123456789a scope link
`)
    expect(taken).toEqual([{ cidr: '10.0.0.0/24', whose: 'interface eth0' }])
    expect(overlapFindings('10.0.0.0/8', taken)[0]).toMatchObject({
      level: 'fail',
      what: 'overlaps 10.0.0.0/24 of interface eth0',
      fix: expect.stringContaining('--pod-cidr'),
    })
    expect(overlapFindings('10.244.0.0/16', taken)[0]!.level).toBe('ok')
  })

  test('nodes that give their pods the built-in network are named', () => {
    const node = (name: string, network?: string) =>
      ({ metadata: { name, labels: network ? { 'optiflow.dev/network': network } : {} } }) as any
    expect(nodeFindings([node('n1', 'cni'), node('n2')])[0]!.level).toBe('ok')
    expect(nodeFindings([node('n1', 'cni'), node('n2', 'builtin')])[0]).toMatchObject({
      level: 'fail',
      what: 'n2 runs its pods in the built-in network',
      fix: expect.stringContaining('--network cni'),
    })
    expect(nodeFindings([])[0]!.level).toBe('warn')
  })
})
