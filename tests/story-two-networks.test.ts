import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lan, openLan } from './support/lan.ts'
import { leftovers, type Traces, tracesOf } from './support/leftovers.ts'
import { isReady, Parts, realImpossible } from './support/parts.ts'
import { type Started, until } from './support/processes.ts'
import { testRegistry } from './support/registries.ts'

const obstacle = realImpossible()

// One story, told in order: each test goes on where the one before ended.
describe.skipIf(obstacle)(
  `two nodes on two networks, with IPv4 and IPv6${obstacle ? ` (skipped: ${obstacle})` : ''}`,
  () => {
    let lan: Lan
    let n1: Parts
    let n2: Parts
    let registry: Started
    const before: Record<string, Traces> = {}
    const podIps: Record<string, string[]> = {}
    let clusterIps: string[] = []

    const bracketed = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip)
    const visitor = (node: string, ...command: string[]) => n1.kubectlRun(['exec', `visitor-${node}`, '--', ...command])
    const fetchFrom = async (node: string, host: string) => {
      const { code, out } = await visitor(node, 'timeout', '3', 'wget', '-qO-', `http://${bracketed(host)}:8080/`)
      return code === 0 ? out.trim() : undefined
    }
    const fromOutside = (host: string) =>
      lan.outside.ok('wget', ['-qO-', '-T', '3', '-t', '1', `http://${bracketed(host)}:30080/`])

    beforeAll(async () => {
      lan = await openLan(['n1', 'n2'], { apart: true })
      n1 = new Parts(lan.machines['n1']!, lan.folder)
      n2 = new Parts(lan.machines['n2']!, lan.folder)
      for (const n of [n1, n2]) before[n.machine.name] = await tracesOf(n.machine, n.dataDir)
      registry = await testRegistry(n1.machine, 5000)
      const common = [
        ...['--registry-mirror', 'registry.test=http://10.77.0.11:5000'],
        ...['--cluster-cidr', '10.244.0.0/16,fd00:244::/56', '--service-cidr', '10.96.0.0/16,fd00:96::/112'],
      ]
      const up = [
        '--runtime',
        'containerd',
        '--data-dir',
        n1.dataDir,
        '--listen',
        '10.77.0.11:6443',
        '--node-name',
        'n1',
      ]
      await n1.start('up', [...up, '--kubeconfig', n1.kubeconfig, ...common], 'The API answers at')
      const token = / --token (\S+)/.exec(await n1.optiflow('status', '--data-dir', n1.dataDir))![1]!
      const joining = ['--server', 'https://10.77.0.11:6443', '--token', token, '--node-name', 'n2', ...common]
      await n2.start('agent', ['--data-dir', n2.dataDir, ...joining], '✔ network')
      await until('both nodes Ready', async () => (await n1.get('nodes')).items.filter(isReady).length === 2)
    })

    afterAll(async () => {
      await n2?.[Symbol.asyncDispose]()
      await n1?.[Symbol.asyncDispose]()
      await registry?.stop()
      await lan?.[Symbol.asyncDispose]()
    })

    it('nodes have addresses and pod networks of both families', async () => {
      for (const { spec, status } of (await n1.get('nodes')).items) {
        expect(spec.podCIDRs).toEqual([expect.stringMatching(/^10\.244\./), expect.stringMatching(/^fd00:244:/)])
        expect(spec.podCIDR).toBe(spec.podCIDRs[0])
        const addresses = status.addresses.filter((a: any) => a.type === 'InternalIP')
        expect(addresses.map((a: any) => a.address.includes(':'))).toEqual([false, true])
      }
    })

    it('pods and a Service that prefers it have addresses of both', async () => {
      const pod = (name: string, node: string, labels: object, command?: string[]) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default', labels },
        spec: {
          nodeSelector: { 'kubernetes.io/hostname': node },
          terminationGracePeriodSeconds: 0,
          containers: [{ name: 'c', image: 'registry.test/web:1', ...(command ? { command } : {}) }],
        },
      })
      await n1.apply(
        pod('web-n1', 'n1', { app: 'web' }),
        pod('web-n2', 'n2', { app: 'web' }),
        pod('visitor-n1', 'n1', {}, ['sleep', '3600']),
        pod('visitor-n2', 'n2', {}, ['sleep', '3600']),
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'web', namespace: 'default' },
          spec: {
            type: 'NodePort',
            ipFamilyPolicy: 'PreferDualStack',
            selector: { app: 'web' },
            ports: [{ port: 8080, nodePort: 30080 }],
          },
        },
      )
      await until('the pods', async () => (await n1.get('pods')).items.filter(isReady).length === 4)
      for (const { metadata, status } of (await n1.get('pods')).items)
        podIps[metadata.name] = status.podIPs.map((p: any) => p.ip)
      expect(podIps['web-n2']).toEqual([expect.stringMatching(/^10\.244\./), expect.stringMatching(/^fd00:244:/)])
      const { spec } = await n1.get('service', 'web')
      expect(spec.ipFamilies).toEqual(['IPv4', 'IPv6'])
      clusterIps = spec.clusterIPs
      const slices = () => n1.get('endpointslices', '-l', 'kubernetes.io/service-name=web')
      await until('a slice of each family', async () => {
        const { items } = await slices()
        const full = items.filter((s: any) => s.endpoints?.length === 2)
        return (
          full
            .map((s: any) => s.addressType)
            .sort()
            .join() === 'IPv4,IPv6'
        )
      })
    })

    const dig = async (...args: string[]) => (await n2.machine.ok('dig', ['@10.96.0.10', ...args])).trim()

    it('each pod reaches each other by both addresses, and the Service by both and by name', async () => {
      for (const node of ['n1', 'n2']) {
        for (const name of ['web-n1', 'web-n2'])
          for (const ip of podIps[name]!) expect([ip, await fetchFrom(node, ip)]).toEqual([ip, `version 1 on ${name}`])
        for (const host of [...clusterIps, 'web']) {
          const answers = new Set<string | undefined>()
          await until(`answers of both at ${host} for ${node}`, async () => {
            answers.add(await fetchFrom(node, host))
            return answers.has('version 1 on web-n1') && answers.has('version 1 on web-n2')
          })
        }
      }
    })

    it('DNS knows the addresses of both families, and the names of both', async () => {
      const name = 'web.default.svc.cluster.local'
      expect([await dig('+short', name, 'A'), await dig('+short', name, 'AAAA')]).toEqual(clusterIps)
      for (const ip of clusterIps) expect(await dig('+short', '-x', ip)).toBe(`${name}.`)
    })

    it('DNS knows ports, other names, the pods of a Service without address, and what is not there', async () => {
      const zone = 'default.svc.cluster.local'
      const service = (name: string, spec: object) => ({
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace: 'default' },
        spec,
      })
      await n1.apply(
        service('elsewhere', { type: 'ExternalName', externalName: 'db.example.org' }),
        service('pods', { clusterIP: 'None', selector: { app: 'web' }, ports: [{ name: 'http', port: 8080 }] }),
      )
      await until('the pods of the Service', async () => (await dig('+short', `pods.${zone}`, 'A')).includes('\n'))
      const ips = [podIps['web-n1']![0]!, podIps['web-n2']![0]!]
      expect((await dig('+short', '+tcp', `pods.${zone}`, 'A')).split('\n').sort()).toEqual(ips.sort())
      const ports = (await dig('+short', `_http._tcp.pods.${zone}`, 'SRV')).split('\n')
      expect(ports).toHaveLength(2)
      for (const port of ports) expect(port).toMatch(new RegExp(`^0 \\d+ 8080 \\S+\\.pods\\.${zone}\\.$`))
      expect(await dig('+short', `elsewhere.${zone}`, 'CNAME')).toBe('db.example.org.')
      const missing = await dig(`nobody.${zone}`, 'A')
      expect(missing).toContain('status: NXDOMAIN')
      expect(missing).toMatch(/EDNS: version: 0/)
      expect(missing).toMatch(/cluster\.local\.\s+\d+\s+IN\s+SOA/)
    })

    it('the node port answers at both addresses of either node', async () => {
      for (const { machine } of [n1, n2])
        for (const ip of [machine.ip, machine.ip6!]) expect(await fromOutside(ip)).toMatch(/^version 1 on web-/)
    })

    it('a network policy holds for both families', async () => {
      const policy = (ingress: object[]) =>
        n1.apply({
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name: 'web', namespace: 'default' },
          spec: { podSelector: { matchLabels: { app: 'web' } }, ingress },
        })
      const reached = () =>
        Promise.all(['n1', 'n2'].flatMap(node => podIps['web-n1']!.map(async ip => !!(await fetchFrom(node, ip)))))
      await policy([])
      await until('nobody to reach it', async () => (await reached()).every(r => !r))
      const block = { ipBlock: { cidr: `${podIps['visitor-n2']![1]}/128` } }
      await policy([{ from: [block] }])
      await until('the one address to reach it', async () => (await reached()).join() === 'false,false,false,true')
      await n1.kubectl('delete', 'networkpolicy', 'web')
      await until('all to reach it again', async () => (await reached()).every(Boolean))
    })

    it('a Service gives its second address back, and gets one again, when it is told to', async () => {
      const patch = (spec: object) => n1.kubectl('patch', 'service', 'web', '-p', JSON.stringify({ spec }))
      await patch({ ipFamilyPolicy: 'SingleStack' })
      expect((await n1.get('service', 'web')).spec).toMatchObject({
        ipFamilies: ['IPv4'],
        clusterIPs: clusterIps.slice(0, 1),
      })
      await until('nobody at the old address', async () => !(await fetchFrom('n1', clusterIps[1]!)))
      await patch({ ipFamilyPolicy: 'RequireDualStack' })
      const again = (await n1.get('service', 'web')).spec.clusterIPs
      expect(again).toEqual([clusterIps[0], expect.stringMatching(/^fd00:96::/)])
      await until('answers at the new one', async () => !!(await fetchFrom('n2', again[1])))
    })

    it('down --purge on both leaves nothing on either', async () => {
      for (const n of [n2, n1]) await n.optiflow('down', '--purge', '--data-dir', n.dataDir)
      await registry.stop()
      for (const n of [n1, n2])
        expect(leftovers(before[n.machine.name]!, await tracesOf(n.machine, n.dataDir))).toEqual({})
    })
  },
)
