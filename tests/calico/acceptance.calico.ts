import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import { type Lan, openLan } from '../support/lan.ts'
import { stateFolderOf } from '../support/leftovers.ts'
import { withOwnMounts } from '../support/own-mounts.ts'
import { isReady, optiflow, Parts, realImpossible } from '../support/parts.ts'
import { type Started, until } from '../support/processes.ts'
import { testRegistry } from '../support/registries.ts'
import { archivesOf, archivesOfFolder } from './acceptance-images.ts'

/*
 * Calico itself, on two nodes of this machine: `npm run test:calico`. Its images and its manifest are yours to give; see docs/calico.md.
 * One story, told in order: each test goes on where the one before ended.
 */
const images = process.env['CALICO_IMAGES']
const binaries = process.env['CALICO_BIN']
const manifest = process.env['CALICO_MANIFEST']
const obstacle =
  realImpossible() ??
  ((images || binaries) && manifest ? undefined : 'CALICO_IMAGES or CALICO_BIN, and CALICO_MANIFEST, are not given')
const long = { timeoutMs: 180_000 }
const calicoctl = binaries && existsSync(join(binaries, 'calicoctl')) ? join(binaries, 'calicoctl') : undefined
const withTypha =
  !!manifest && existsSync(manifest) && (await readFile(manifest, 'utf8')).includes('name: calico-typha')

describe.skipIf(obstacle)(`Calico on two nodes${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let lan: Lan
  let n1: Parts
  let n2: Parts
  let registry: Started
  const mounts: AsyncDisposable[] = []
  let scratch: string

  const both = () => [n1, n2]
  const node = (name: string) => n1.get('node', name)
  const blocks = async () => (await n1.get('ipamblocks.crd.projectcalico.org')).items
  const allocated = async () =>
    (await blocks()).flatMap((b: any) => b.spec.allocations.filter((a: any) => a !== null)).length
  const podsOf = async (app: string) => (await n1.pods(`app=${app}`)).filter(isReady)
  const policy = (name: string, spec: object) =>
    n1.apply({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name, namespace: 'default' },
      spec,
    })
  const ask = async (from: string, ip: string): Promise<boolean> =>
    (await n1.kubectlRun(['exec', from, '--', 'timeout', '2', 'wget', '-qO-', `http://${ip}:8080/`])).code === 0
  const deployment = (name: string, replicas: number, labels: object = {}) => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name, ...labels } },
        spec: {
          terminationGracePeriodSeconds: 0,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'DoNotSchedule',
              labelSelector: { matchLabels: { app: name } },
            },
          ],
          containers: [
            { name: 'c', image: 'registry.test/web:1', readinessProbe: { httpGet: { path: '/', port: 8080 } } },
          ],
        },
      },
    },
  })

  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'optiflow-calico-'))
    const archives = images
      ? await archivesOf(images, manifest!, scratch)
      : await archivesOfFolder(binaries!, manifest!, scratch)
    lan = await openLan(['n1', 'n2'])
    const machines = await Promise.all(
      ['n1', 'n2'].map(async name => {
        const machine = await withOwnMounts(lan.machines[name]!, lan.folder)
        mounts.push(machine)
        return machine
      }),
    )
    n1 = new Parts(machines[0]!, lan.folder)
    n2 = new Parts(machines[1]!, lan.folder)
    registry = await testRegistry(lan.machines['n1']!, 5000)
    const common = ['--network', 'cni', '--registry-mirror', 'registry.test=http://10.77.0.11:5000']
    await startServer()
    const token = / --token (\S+)/.exec(await n1.optiflow('status', '--data-dir', n1.dataDir))![1]!
    const joining = ['--server', 'https://10.77.0.11:6443', '--token', token, '--node-name', 'n2']
    await n2.start('agent', ['--runtime', 'containerd', '--data-dir', n2.dataDir, ...joining, ...common], '✔ network')
    for (const n of both())
      for (const archive of archives) {
        const socket = join(stateFolderOf(n.dataDir), 'containerd.sock')
        await n.machine.ok('ctr', ['-a', socket, '-n', 'k8s.io', 'images', 'import', archive], long)
      }
  }, 600_000)

  const startServer = () =>
    n1.start(
      'up',
      [
        ...['--runtime', 'containerd', '--data-dir', n1.dataDir, '--listen', '10.77.0.11:6443', '--node-name', 'n1'],
        ...[
          '--kubeconfig',
          n1.kubeconfig,
          '--network',
          'cni',
          '--registry-mirror',
          'registry.test=http://10.77.0.11:5000',
        ],
      ],
      'The API answers at',
    )

  afterAll(async () => {
    await n2?.[Symbol.asyncDispose]()
    await n1?.[Symbol.asyncDispose]()
    await registry?.stop()
    for (const one of mounts) await one[Symbol.asyncDispose]()
    await lan?.[Symbol.asyncDispose]()
    if (scratch) await rm(scratch, { recursive: true, force: true })
  })

  /** What somebody would look at first, beside the failed test. */
  const tellMore = () =>
    onTestFailed(async () => {
      const shown = [
        ['get', 'pods', '-A', '-o', 'wide'],
        ['get', 'events', '-A', '--field-selector', 'type=Warning'],
        ...['node', 'kube-controllers', 'typha'].map(name => [
          'logs',
          '-n',
          'kube-system',
          '-l',
          `k8s-app=calico-${name}`,
          '--all-containers',
          '--prefix',
          '--tail=40',
        ]),
      ]
      for (const args of shown) {
        const { out, err } = await n1.kubectlRun(args)
        console.log(`kubectl ${args.join(' ')}\n${out}${err}`)
      }
    })

  it('both machines are fit for it', async () => {
    for (const n of both()) {
      const { out } = await n.machine.run(
        optiflow,
        ['calico', 'preflight', '--machine-only', '--pod-cidr', '10.240.0.0/16'],
        {
          env: { PATH: process.env['PATH'], NO_COLOR: '1', HOME: lan.folder },
        },
      )
      expect(out.split('\n').filter(line => line.startsWith('✖'))).toEqual([])
    }
  })

  it('install brings it to both nodes, and makes them ready', async () => {
    tellMore()
    const flags = [
      '--manifest',
      manifest!,
      '--pod-cidr',
      '10.240.0.0/16',
      '--encapsulation',
      'vxlan',
      '--timeout',
      '240',
    ]
    const { code, out, err } = await n1.machine.run(optiflow, ['calico', 'install', ...flags], {
      env: { PATH: process.env['PATH'], NO_COLOR: '1', HOME: lan.folder, KUBECONFIG: n1.kubeconfig },
      timeoutMs: 600_000,
    })
    expect(code, out + err).toBe(0)
    for (const name of ['n1', 'n2']) await until(`${name} to be ready`, async () => isReady(await node(name)), long)
    const { status } = await n1.get('daemonset', '-n', 'kube-system', 'calico-node')
    expect([status.desiredNumberScheduled, status.numberReady]).toEqual([2, 2])
  }, 700_000)

  it('it has written what it knows of each node', async () => {
    for (const [name, ip] of [
      ['n1', '10.77.0.11'],
      ['n2', '10.77.0.12'],
    ] as const) {
      const { metadata, status } = await until(`the tunnel of ${name}`, async () => {
        const found = await node(name)
        return found.metadata.annotations['projectcalico.org/IPv4VXLANTunnelAddr'] ? found : undefined
      })
      expect(metadata.annotations['projectcalico.org/IPv4Address']).toBe(`${ip}/24`)
      expect(status.conditions.find((c: any) => c.type === 'NetworkUnavailable')?.status).toBe('False')
    }
    await until('a healthy status', async () => (await statusOf()).code === 0)
  })

  it.skipIf(!withTypha)(
    'Felix of both nodes gets its data by Typha',
    async () => {
      const typha = await until('Typha', async () => {
        const [pod] = (await n1.get('pods', '-n', 'kube-system', '-l', 'k8s-app=calico-typha')).items
        return pod && isReady(pod) ? pod : undefined
      })
      const { machine } = typha.spec.nodeName === 'n1' ? n1 : n2
      const clients = await until(
        'clients of both nodes',
        async () => {
          const lines = (await machine.ok('ss', ['-Htn', 'state', 'established', 'sport', '=', ':5473']))
            .trim()
            .split('\n')
          const peers = new Set(lines.map(line => /([\d.]+)\]?:\d+\s*$/.exec(line)?.[1]))
          return peers.size === 2 ? peers : undefined
        },
        long,
      )
      expect([...clients].sort()).toEqual(['10.77.0.11', '10.77.0.12'])
    },
    240_000,
  )

  const statusOf = () =>
    n1.machine.run(optiflow, ['calico', 'status'], {
      env: { PATH: process.env['PATH'], NO_COLOR: '1', HOME: lan.folder, KUBECONFIG: n1.kubeconfig },
    })

  it('pods of both nodes reach each other through VXLAN, in packets of full size', async () => {
    await n1.apply(deployment('web', 2), deployment('client', 2))
    await until(
      'two of each',
      async () => (await podsOf('web')).length === 2 && (await podsOf('client')).length === 2,
      long,
    )
    const link = await n1.machine.ok('ip', ['-d', 'link', 'show', 'vxlan.calico'])
    expect(link).toMatch(/vxlan id 4096 .*dstport 4789/)
    expect(await n1.machine.ok('ip', ['route'])).toMatch(/10\.240\.\d+\.\d+\/26 via 10\.240\.\S+ dev vxlan\.calico/)
    expect(await n1.machine.ok('bridge', ['fdb', 'show', 'dev', 'vxlan.calico'])).toContain('dst 10.77.0.12')
    const [client] = (await podsOf('client')).filter((p: any) => p.spec.nodeName === 'n1')
    const [far] = (await podsOf('web')).filter((p: any) => p.spec.nodeName === 'n2')
    const received = async () =>
      JSON.parse(await n1.machine.ok('ip', ['-j', '-s', 'link', 'show', 'vxlan.calico']))[0].stats64.rx.bytes
    const before = await received()
    await until('an answer from the other node', () => ask(client.metadata.name, far.status.podIP))
    expect(await received()).toBeGreaterThan(before)
    const mtu = Number(
      /mtu (\d+)/.exec(await n1.kubectl('exec', client.metadata.name, '--', 'ip', 'link', 'show', 'eth0'))![1],
    )
    const payload = mtu - 28
    const outer = Number(/mtu (\d+)/.exec(await n1.machine.ok('ip', ['link', 'show', 'eth0']))![1])
    expect(outer - mtu).toBeGreaterThanOrEqual(50)
    await n1.kubectl(
      'exec',
      client.metadata.name,
      '--',
      'ping',
      '-c',
      '1',
      '-W',
      '3',
      '-s',
      String(payload),
      far.status.podIP,
    )
  })

  it('policies are held to, and not without Felix', async () => {
    const [client] = await podsOf('client')
    const [web] = await podsOf('web')
    const reaches = () => ask(client.metadata.name, web.status.podIP)
    await policy('deny', { podSelector: { matchLabels: { app: 'web' } } })
    await until('nobody to get in', async () => !(await reaches()), long)
    await policy('friends', {
      podSelector: { matchLabels: { app: 'web' } },
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 8080 }] }],
    })
    await until('its friends to get in', reaches, long)
    const explained = await n1.optiflow(
      'why',
      'connection',
      `pod/${client.metadata.name}`,
      `pod/${web.metadata.name}:8080`,
    )
    expect(explained).toContain('allowed')
    expect(explained).toContain('Enforced by Calico')
    const felix = await felixOf()
    for (const pid of felix) process.kill(pid, 'SIGSTOP')
    try {
      await n1.kubectl('delete', 'networkpolicy', 'friends')
      await new Promise(resolve => setTimeout(resolve, 5_000))
      expect(await reaches()).toBe(true)
    } finally {
      for (const pid of felix) process.kill(pid, 'SIGCONT')
    }
    await until('nobody again, with Felix', async () => !(await reaches()), long)
    await n1.kubectl('delete', 'networkpolicy', 'deny')
  })

  it('a GlobalNetworkPolicy of Calico is made, explained, held to and deleted with our commands', async () => {
    const [client] = await podsOf('client')
    const [web] = await podsOf('web')
    const reaches = () => ask(client.metadata.name, web.status.podIP)
    await until('an answer before', reaches, long)
    const file = join(scratch, 'ban.yaml')
    const rules = [{ action: 'Deny', source: { selector: 'app == "client"' } }, { action: 'Pass' }]
    const ban = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'GlobalNetworkPolicy',
      metadata: { name: 'ban' },
      spec: { tier: 'security', selector: 'app == "web"', types: ['Ingress'], ingress: rules },
    }
    await writeFile(file, JSON.stringify(ban))
    await n1.optiflow('calico', 'tier', 'create', 'security', '--order', '100')
    await n1.optiflow('calico', 'policy', 'create', '-f', file)
    await until('nobody to get in', async () => !(await reaches()), long)
    const [from, to] = [`pod/${client.metadata.name}`, `pod/${web.metadata.name}:8080`]
    expect(await n1.optiflow('calico', 'policy', 'explain', from, to)).toContain('GlobalNetworkPolicy ban denies it')
    await n1.optiflow('calico', 'policy', 'delete', 'ban')
    await until('an answer after', reaches, long)
    await n1.optiflow('calico', 'tier', 'delete', 'security')
  }, 600_000)

  it('pools, addresses and diagnosis of the real thing', async () => {
    await n1.optiflow('calico', 'ippool', 'create', 'more', '--cidr', '10.241.0.0/16', '--encapsulation', 'vxlan')
    expect(await n1.optiflow('calico', 'ippool', 'list')).toMatch(/^more +10\.241\.0\.0\/16/m)
    await n1.optiflow('calico', 'ippool', 'delete', 'more')
    const inUse = await n1.optiflowRun('calico', 'ippool', 'delete', 'default-ipv4-ippool')
    expect([inUse.code, inUse.err]).toEqual([1, expect.stringContaining('are in use')])
    expect(await n1.optiflow('calico', 'ipam', 'show')).toMatch(/default-ipv4-ippool +10\.240\.0\.0\/16 +\d+ of 65536/)
    const archive = join(scratch, 'diag.tar.gz')
    await n1.optiflow('calico', 'diag', '--file', archive)
    const names = await n1.machine.ok('tar', ['-tzf', archive])
    expect(names).toContain('calico/ippools.json')
    expect(names.match(/^logs\/calico-node-\w+\.log$/gm)?.length).toBe(2)
    const again = ['--manifest', manifest!, '--pod-cidr', '10.240.0.0/16', '--encapsulation', 'vxlan']
    expect(await n1.optiflow('calico', 'upgrade', ...again)).toContain('ready on every node')
  }, 300_000)

  it.skipIf(!calicoctl)("Calico's own calicoctl works against this API", async () => {
    const ctl = (...args: string[]) =>
      n1.machine.ok(calicoctl!, args, { env: { DATASTORE_TYPE: 'kubernetes', KUBECONFIG: n1.kubeconfig } })
    expect(await ctl('get', 'nodes', '-o', 'wide')).toMatch(/^n1 .* 10\.77\.0\.11\/24/m)
    const { items } = JSON.parse(await ctl('get', 'ippools', '-o', 'json'))
    expect(items.map((p: any) => [p.spec.cidr, p.spec.vxlanMode])).toEqual([['10.240.0.0/16', 'Always']])
    expect(await ctl('ipam', 'check')).toMatch(/found 0 problems/i)
    const file = join(scratch, 'set.yaml')
    const set = {
      apiVersion: 'projectcalico.org/v3',
      kind: 'GlobalNetworkSet',
      metadata: { name: 'office' },
      spec: { nets: ['192.0.2.0/24'] },
    }
    await writeFile(file, JSON.stringify(set))
    await ctl('apply', '-f', file)
    expect((await n1.get('globalnetworksets.crd.projectcalico.org', 'office')).spec.nets).toEqual(['192.0.2.0/24'])
    await ctl('delete', 'globalnetworkset', 'office')
  })

  it('after a churn of 50 pods no address is lost', async () => {
    await n1.apply(deployment('churn', 50))
    await until('50 pods', async () => (await podsOf('churn')).length === 50, { timeoutMs: 300_000 })
    await n1.kubectl('delete', 'deployment', 'churn')
    await until('their end', async () => (await n1.get('pods', '-l', 'app=churn')).items.length === 0, long)
    const tunnels = 2
    await until(
      'pods and tunnels alone to have addresses',
      async () => {
        const { items } = await n1.get('pods', '-A')
        return (await allocated()) === items.filter((p: any) => !p.spec.hostNetwork).length + tunnels
      },
      long,
    )
    expect(await n1.optiflow('calico', 'ipam', 'release')).toBe('No address is leaked.\n')
  }, 600_000)

  it('an API server that was away, and a Felix that ends, change nothing', async () => {
    const [client] = await podsOf('client')
    const [web] = await podsOf('web')
    await n1.end('up', 'SIGKILL')
    await startServer()
    for (const pid of await felixOf()) process.kill(pid, 'SIGKILL')
    await policy('deny', { podSelector: { matchLabels: { app: 'web' } } })
    await until('the new policy', async () => !(await ask(client.metadata.name, web.status.podIP)), long)
    await n1.kubectl('delete', 'networkpolicy', 'deny')
    await until('an answer again', () => ask(client.metadata.name, web.status.podIP), long)
  }, 600_000)

  it('a node that is deleted gives its blocks back', async () => {
    await n2.die()
    await n1.kubectl('delete', 'node', 'n2')
    await until('no block of n2', async () => (await blocks()).every((b: any) => b.spec.affinity !== 'host:n2'), {
      timeoutMs: 420_000,
    })
  }, 500_000)

  it('uninstall and clean-host leave nothing', async () => {
    await n1.kubectl('delete', 'deployment', 'web', 'client')
    await n1.optiflow('calico', 'uninstall', '--force', '--node-name', 'n1')
    for (const { machine } of both()) {
      await machine.ok(optiflow, ['calico', 'clean-host'], { env: { PATH: process.env['PATH'], HOME: lan.folder } })
      expect(await machine.ok('iptables-save', [])).not.toContain('cali')
      expect(await machine.ok('ip', ['-o', 'link'])).not.toContain('cali')
      expect(await machine.ok('ip', ['route', 'show', 'table', 'all'])).not.toMatch(/10\.240\.|proto 80/)
      expect(
        await machine.ok('sh', ['-c', 'ls /etc/cni/net.d /opt/cni/bin /var/lib/calico 2>/dev/null || true']),
      ).not.toContain('calico')
    }
  }, 300_000)

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
