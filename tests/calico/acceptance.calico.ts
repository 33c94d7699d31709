import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../support/processes.ts'
import { CalicoNodes, calicoctl, given, long, obstacle, podNetwork, webDeployment, withTypha } from './calico-nodes.ts'

/*
 * Calico itself, on two nodes of this machine: `npm run test:calico`. Its images and its manifest are yours to give; see docs/calico.md.
 * One story, told in order: each test goes on where the one before ended.
 */
describe.skipIf(obstacle)(`Calico on two nodes${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let nodes: CalicoNodes

  const n1 = () => nodes.n1
  const blocks = async () => (await n1().get('ipamblocks.crd.projectcalico.org')).items
  const allocated = async () =>
    (await blocks()).flatMap((b: any) => b.spec.allocations.filter((a: any) => a !== null)).length
  const toWeb = { podSelector: { matchLabels: { app: 'web' } } }

  beforeAll(async () => {
    nodes = await CalicoNodes.start()
  }, 600_000)
  afterAll(() => nodes?.[Symbol.asyncDispose]())

  it('both machines are fit for it', async () => {
    for (const parts of nodes.both) {
      const { out } = await nodes.onMachine(parts, 'preflight', '--machine-only', '--pod-cidr', podNetwork)
      expect(out.split('\n').filter(line => line.startsWith('✖'))).toEqual([])
    }
  })

  it('install brings it to both nodes, and makes them ready', async () => {
    nodes.tellMore()
    await nodes.install('vxlan')
    await nodes.settled()
  }, 700_000)

  it('it has written what it knows of each node', async () => {
    for (const [name, ip] of [
      ['n1', '10.77.0.11'],
      ['n2', '10.77.0.12'],
    ] as const) {
      const { metadata, status } = await until(`the tunnel of ${name}`, async () => {
        const found = await n1().get('node', name)
        return found.metadata.annotations['projectcalico.org/IPv4VXLANTunnelAddr'] ? found : undefined
      })
      expect(metadata.annotations['projectcalico.org/IPv4Address']).toBe(`${ip}/24`)
      expect(status.conditions.find((c: any) => c.type === 'NetworkUnavailable')?.status).toBe('False')
    }
    await until('a healthy status', async () => (await nodes.calico('status')).code === 0)
  })

  it.skipIf(!withTypha)(
    'Felix of both nodes gets its data by Typha',
    async () => {
      const { spec } = await until('Typha', async () => {
        const [pod] = (await n1().get('pods', '-n', 'kube-system', '-l', 'k8s-app=calico-typha')).items
        return pod?.status.containerStatuses?.every((c: any) => c.ready) ? pod : undefined
      })
      const { machine } = spec.nodeName === 'n1' ? nodes.n1 : nodes.n2
      const clients = await until(
        'clients of both nodes',
        async () => {
          const connections = await machine.ok('ss', ['-Htn', 'state', 'established', 'sport', '=', ':5473'])
          const lines = connections.trim().split('\n')
          const peers = new Set(lines.map(line => /([\d.]+)\]?:\d+\s*$/.exec(line)?.[1]))
          return peers.size === 2 ? peers : undefined
        },
        long,
      )
      expect([...clients].sort()).toEqual(['10.77.0.11', '10.77.0.12'])
    },
    240_000,
  )

  it('pods of both nodes reach each other through VXLAN, in packets of full size', async () => {
    await nodes.deploy('web', 'client')
    const { machine } = n1()
    const link = await machine.ok('ip', ['-d', 'link', 'show', 'vxlan.calico'])
    expect(link).toMatch(/vxlan id 4096 .*dstport 4789/)
    expect(await machine.ok('ip', ['route'])).toMatch(/10\.240\.\d+\.\d+\/26 via 10\.240\.\S+ dev vxlan\.calico/)
    expect(await machine.ok('bridge', ['fdb', 'show', 'dev', 'vxlan.calico'])).toContain('dst 10.77.0.12')
    const client = await nodes.pod('client', 'n1')
    const far = await nodes.pod('web', 'n2')
    const received = async () =>
      JSON.parse(await machine.ok('ip', ['-j', '-s', 'link', 'show', 'vxlan.calico']))[0].stats64.rx.bytes
    const before = await received()
    await until('an answer from the other node', () => nodes.reaches(client.metadata.name, far.status.podIP))
    expect(await received()).toBeGreaterThan(before)
    const mtu = await nodes.fullSizeArrives(client, far.status.podIP)
    const outer = Number(/mtu (\d+)/.exec(await machine.ok('ip', ['link', 'show', 'eth0']))![1])
    expect(outer - mtu).toBeGreaterThanOrEqual(50)
  })

  it('a pool that is CrossSubnet leaves the tunnel out on one subnet', async () => {
    const mode = (vxlanMode: string) =>
      n1().kubectl(
        ...['patch', 'ippools.crd.projectcalico.org', 'default-ipv4-ippool', '--type=merge'],
        ...['-p', JSON.stringify({ spec: { vxlanMode } })],
      )
    const route = (pattern: RegExp) => async () => pattern.test(await n1().machine.ok('ip', ['route']))
    const client = await nodes.pod('client', 'n1')
    const far = await nodes.pod('web', 'n2')
    await mode('CrossSubnet')
    await until('the direct route', route(/10\.240\.\d+\.\d+\/26 via 10\.77\.0\.12 dev eth0 proto 80/), long)
    await until('an answer', () => nodes.reaches(client.metadata.name, far.status.podIP))
    await mode('Always')
    await until('the tunnel again', route(/10\.240\.\d+\.\d+\/26 via 10\.240\.\S+ dev vxlan\.calico/), long)
  }, 500_000)

  it('policies are held to, and not without Felix', async () => {
    const client = await nodes.pod('client')
    const web = await nodes.pod('web')
    const reaches = () => nodes.reaches(client.metadata.name, web.status.podIP)
    await nodes.networkPolicy('deny', toWeb)
    await until('nobody to get in', async () => !(await reaches()), long)
    const friends = [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 8080 }] }]
    await nodes.networkPolicy('friends', { ...toWeb, ingress: friends })
    await until('its friends to get in', reaches, long)
    const question = [`pod/${client.metadata.name}`, `pod/${web.metadata.name}:8080`]
    const explained = await n1().optiflow('why', 'connection', ...question)
    expect(explained).toContain('allowed')
    expect(explained).toContain('Enforced by Calico')
    const felix = await felixOf()
    for (const pid of felix) process.kill(pid, 'SIGSTOP')
    try {
      await n1().kubectl('delete', 'networkpolicy', 'friends')
      await new Promise(resolve => setTimeout(resolve, 5_000))
      expect(await reaches()).toBe(true)
    } finally {
      for (const pid of felix) process.kill(pid, 'SIGCONT')
    }
    await until('nobody again, with Felix', async () => !(await reaches()), long)
    await n1().kubectl('delete', 'networkpolicy', 'deny')
  })

  it('a GlobalNetworkPolicy of Calico is made, explained, held to and deleted with our commands', async () => {
    const client = await nodes.pod('client')
    const web = await nodes.pod('web')
    const reaches = () => nodes.reaches(client.metadata.name, web.status.podIP)
    await until('an answer before', reaches, long)
    const rules = [{ action: 'Deny', source: { selector: 'app == "client"' } }, { action: 'Pass' }]
    const ban = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'GlobalNetworkPolicy',
      metadata: { name: 'ban' },
      spec: { tier: 'security', selector: 'app == "web"', types: ['Ingress'], ingress: rules },
    }
    await n1().optiflow('calico', 'tier', 'create', 'security', '--order', '100')
    await n1().optiflow('calico', 'policy', 'create', '-f', await nodes.file('ban.yaml', JSON.stringify(ban)))
    await until('nobody to get in', async () => !(await reaches()), long)
    const [from, to] = [`pod/${client.metadata.name}`, `pod/${web.metadata.name}:8080`]
    expect(await n1().optiflow('calico', 'policy', 'explain', from, to)).toContain('GlobalNetworkPolicy ban denies it')
    await n1().optiflow('calico', 'policy', 'delete', 'ban')
    await until('an answer after', reaches, long)
    await n1().optiflow('calico', 'tier', 'delete', 'security')
  }, 600_000)

  it('pools, addresses and diagnosis of the real thing', async () => {
    await n1().optiflow('calico', 'ippool', 'create', 'more', '--cidr', '10.241.0.0/16', '--encapsulation', 'vxlan')
    expect(await n1().optiflow('calico', 'ippool', 'list')).toMatch(/^more +10\.241\.0\.0\/16/m)
    await n1().optiflow('calico', 'ippool', 'delete', 'more')
    const inUse = await n1().optiflowRun('calico', 'ippool', 'delete', 'default-ipv4-ippool')
    expect([inUse.code, inUse.err]).toEqual([1, expect.stringContaining('are in use')])
    const shown = await n1().optiflow('calico', 'ipam', 'show')
    expect(shown).toMatch(/default-ipv4-ippool +10\.240\.0\.0\/16 +\d+ of 65536/)
    const archive = join(nodes.scratch, 'diag.tar.gz')
    await n1().optiflow('calico', 'diag', '--file', archive)
    const names = await n1().machine.ok('tar', ['-tzf', archive])
    expect(names).toContain('calico/ippools.json')
    const rules = ['nft', 'legacy'].map(way => `machine/iptables-${way}.txt`)
    expect(await n1().machine.ok('tar', ['-xzOf', archive, ...rules])).toContain('cali-INPUT')
    expect(names.match(/^logs\/calico-node-\w+\.log$/gm)?.length).toBe(2)
    const again = ['--manifest', given.manifest, '--pod-cidr', podNetwork, '--encapsulation', 'vxlan']
    expect(await n1().optiflow('calico', 'upgrade', ...again)).toContain('ready on every node')
  }, 300_000)

  it.skipIf(!calicoctl)("Calico's own calicoctl works against this API", async () => {
    const ctl = (...args: string[]) =>
      n1().machine.ok(calicoctl!, args, { env: { DATASTORE_TYPE: 'kubernetes', KUBECONFIG: n1().kubeconfig } })
    expect(await ctl('get', 'nodes', '-o', 'wide')).toMatch(/^n1 .* 10\.77\.0\.11\/24/m)
    const { items } = JSON.parse(await ctl('get', 'ippools', '-o', 'json'))
    expect(items.map((p: any) => [p.spec.cidr, p.spec.vxlanMode])).toEqual([[podNetwork, 'Always']])
    expect(await ctl('ipam', 'check')).toMatch(/found 0 problems/i)
    const set = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'GlobalNetworkSet',
      metadata: { name: 'office' },
      spec: { nets: ['192.0.2.0/24'] },
    }
    await ctl('apply', '-f', await nodes.file('set.yaml', JSON.stringify(set)))
    expect((await n1().get('globalnetworksets.crd.projectcalico.org', 'office')).spec.nets).toEqual(['192.0.2.0/24'])
    await ctl('delete', 'globalnetworkset', 'office')
  })

  it('after a churn of 50 pods no address is lost', async () => {
    await n1().apply(webDeployment('churn', 50))
    await until('50 pods', async () => (await nodes.ready('churn')).length === 50, { timeoutMs: 300_000 })
    await n1().kubectl('delete', 'deployment', 'churn')
    await until('their end', async () => (await n1().get('pods', '-l', 'app=churn')).items.length === 0, long)
    const tunnels = 2
    await until(
      'pods and tunnels alone to have addresses',
      async () => {
        const { items } = await n1().get('pods', '-A')
        return (await allocated()) === items.filter((p: any) => !p.spec.hostNetwork).length + tunnels
      },
      long,
    )
    expect(await n1().optiflow('calico', 'ipam', 'release')).toBe('No address is leaked.\n')
  }, 600_000)

  it('an API server that was away, and a Felix that ends, change nothing', async () => {
    const client = await nodes.pod('client')
    const web = await nodes.pod('web')
    const reaches = () => nodes.reaches(client.metadata.name, web.status.podIP)
    await n1().end('up', 'SIGKILL')
    await nodes.startServer()
    for (const pid of await felixOf()) process.kill(pid, 'SIGKILL')
    await nodes.networkPolicy('deny', toWeb)
    await until('the new policy', async () => !(await reaches()), long)
    await n1().kubectl('delete', 'networkpolicy', 'deny')
    await until('an answer again', reaches, long)
  }, 600_000)

  it('a node that is deleted gives its blocks back', async () => {
    await nodes.n2.die()
    await n1().kubectl('delete', 'node', 'n2')
    await until('no block of n2', async () => (await blocks()).every((b: any) => b.spec.affinity !== 'host:n2'), {
      timeoutMs: 420_000,
    })
  }, 500_000)

  it('uninstall and clean-host leave no rule, set, link, route or file', async () => {
    await n1().kubectl('delete', 'deployment', 'web', 'client')
    await n1().optiflow('calico', 'uninstall', '--force', '--node-name', 'n1')
    for (const parts of nodes.both) expect((await nodes.onMachine(parts, 'clean-host')).err).toBe('')
    expect(await nodes.remains()).toEqual([])
  }, 300_000)

  it('and the nodes, when they are taken down, no process, mount, link or table', async () => {
    expect(await nodes.end()).toEqual([{}, {}])
  }, 120_000)

  /** Processes of Felix on both nodes. */
  async function felixOf(): Promise<number[]> {
    const found: number[] = []
    for (const pid of await readdir('/proc')) {
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
      if (/calico-node$/.test(command[0] ?? '') && command.includes('-felix')) found.push(Number(pid))
    }
    expect(found.length).toBeGreaterThan(0)
    return found
  }
})
