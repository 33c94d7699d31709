import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { systemDisk } from '../../src/base/disk.ts'
import { systemNet } from '../../src/base/net.ts'
import type { Outside } from '../../src/cli/command.ts'
import { calico as command } from '../../src/cli/commands/calico.ts'
import { remote } from '../../src/cli/connection.ts'
import { runProgram } from '../../src/cli/program.ts'
import { systemStreams } from '../../src/cli/standard-streams.ts'
import { inProcessTransport } from '../../src/client/index.ts'
import { ControlPlane } from '../../src/main/control-plane.ts'
import { adminUser } from '../../src/main/identities.ts'
import { ConfigMap, DaemonSet, NetworkPolicy, Pod, Secret } from '../../src/models/kinds/index.ts'
import type { ApiHandler } from '../../src/models/rest.ts'
import { apiKindOf, CalicoNodeStatus, IpamBlock, IpamHandle } from '../../src/network/calico/index.ts'
import { openApiDatastore } from '../../src/network/index.ts'
import { run, until } from '../support/processes.ts'
import { shapeManifest } from './shape.ts'

const lacksIpip =
  process.getuid?.() === 0 &&
  (await run('unshare', ['--net', 'ip', 'link', 'add', 'probe', 'type', 'ipip', 'local', '127.0.0.1'])).code > 0

// One story, told in order, on simulated nodes: Calico itself is not run here.
describe('optiflow calico', () => {
  let control: ControlPlane
  let folder: string
  let manifest: string
  const install = () => [
    'install',
    '--manifest',
    manifest,
    '--pod-cidr',
    '10.240.0.0/16',
    '--api-server',
    '10.0.0.1:6443',
  ]

  /** @param stopAt the command is interrupted as soon as it prints or reports this, or has written so often */
  async function calico(args: string[], stopAt?: string | number) {
    const stop = new AbortController()
    const interrupt = () => stop.abort(new DOMException('interrupted', 'AbortError'))
    let writes = 0
    const handler: ApiHandler = async request => {
      const reply = await control.api.handler(request)
      if (request.method !== 'GET' && ++writes === stopAt) interrupt()
      return reply
    }
    let out = ''
    let err = ''
    const paint = (text: string) => text
    const outside: Outside = {
      terminal: {
        out(text) {
          out += text
          if (typeof stopAt === 'string' && out.includes(stopAt)) interrupt()
        },
        err: text => void (err += text),
        interactive: true,
        paint: { green: paint, red: paint, yellow: paint, cyan: paint, dim: paint, bold: paint },
      },
      disk: systemDisk,
      net: systemNet,
      streams: systemStreams(),
      clock: systemClock,
      readStdin: async () => '',
      signal: stop.signal,
      connect: async flags => remote(inProcessTransport(handler, adminUser), {} as any, flags.namespace ?? 'default'),
      env: {},
    }
    const code = await runProgram(['calico', ...args], outside, [command])
    return { code, out, err, writes }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'optiflow-calico-'))
    manifest = join(folder, 'calico.yaml')
    const images = { nodeImage: 'stub/node:v3.32.1', controllersImage: 'stub/controllers:v3.32.1', host: '' }
    await writeFile(manifest, await shapeManifest(images))
    control = await ControlPlane.start({ nodes: 2 })
  })
  afterAll(async () => {
    await control?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  test('before it is there, everything says how to get it', async () => {
    const { code, err } = await calico(['ippool', 'list'])
    expect([code, err]).toEqual([
      1,
      "Error: Calico's kinds are not served here: the server could not find the requested resource\n→ Install Calico first: optiflow calico install.\n",
    ])
    expect((await calico(['upgrade', '--manifest', manifest, '--api-server', 'h:1'])).err).toContain(
      'Calico is not installed',
    )
  })

  test.each([
    [['--sha256', '0'.repeat(64)], 'has the SHA-256 digest'],
    [['--encapsulation', 'gre'], '"gre" is not one of vxlan, vxlan-cross-subnet, ipip, none'],
    [['--encapsulation', 'ipip'], 'this manifest runs no BGP'],
    [['--pod-cidr', '10.240.0.1/16'], '10.240.0.1/16 has bits set behind its mask'],
    [['--pod-cidr', '10.96.0.0/12'], 'this cluster is not ready for Calico; nothing was done'],
    [['--datastore', 'etcd'], '--datastore etcd and --etcd-endpoints go together'],
    [['--manifest', 'https://example.com/calico.yaml'], 'a manifest from a URL needs --sha256'],
    [['--manifest', '/nonexistent.yaml'], 'cannot read /nonexistent.yaml'],
    [['--mtu', '9'], '"9" is not a whole number from 576 to 65535'],
    [['--timeout', '0'], 'is not a number of seconds above 0'],
  ])('install %j is refused before anything is written', async (flags, reason) => {
    const { code, err } = await calico([...install(), ...flags])
    expect([code, err]).toEqual([1, expect.stringContaining(reason)])
    expect((await calico(['ippool', 'list'])).err).toContain('not served here')
  })

  test.skipIf(!lacksIpip)(
    'on a node, an encapsulation that its kernel lacks is refused too (needs root, no ipip)',
    async () => {
      const bird = join(folder, 'bird.yaml')
      const text = (await readFile(manifest, 'utf8')).replace('-felix-ready]', '-felix-ready, -bird-ready]')
      await writeFile(bird, text)
      const flags = install().map(word => (word === manifest ? bird : word))
      const { code, out, err } = await calico([...flags, '--encapsulation', 'ipip', '--node-name', 'node-1'])
      expect([code, err]).toEqual([1, expect.stringContaining('nothing was done')])
      expect(out).toMatch(/✖ kernel: ipip .*\n.*→ modprobe ipip.* Or install with --encapsulation vxlan/)
      expect((await calico(['ippool', 'list'])).err).toContain('not served here')
    },
  )

  test('install that is interrupted after any write, or at any step, is brought to its end by running it again', async () => {
    let at = 1
    for (; ; at += 6) {
      const { code, writes } = await calico(install(), at)
      // It had less to write than that: nothing interrupted it.
      if (writes < at) break
      expect(code, `after ${at} writes`).toBe(130)
    }
    expect(at).toBeGreaterThan(30)
    await calico(['uninstall', '--force'])
    for (const stopAt of ['definitions', 'pool ', 'foundations', 'calico-node', 'controllers', 'pods '])
      expect((await calico(install(), stopAt)).code, stopAt).toBe(130)
    const { code, out, err } = await calico(install())
    expect([code, err]).toEqual([0, ''])
    expect(out).toContain('✔ calico-node  ready on every node, v3.32.1')
    expect(out).toContain('Calico v3.32.1 is installed')
    const daemon = await control.client.get(DaemonSet, { namespace: 'kube-system', name: 'calico-node' })
    expect(daemon.status?.numberReady).toBe(2)
    expect((await calico(install())).out).toContain('default-ipv4-ippool, 10.240.0.0/16: as it was')
  })

  test('another pool or version is not installed over it', async () => {
    expect((await calico([...install(), '--pod-cidr', '10.241.0.0/16'])).err).toContain(
      '10.240.0.0/16 is there already, not 10.241.0.0/16',
    )
    const newer = join(folder, 'newer.yaml')
    await writeFile(
      newer,
      await shapeManifest({ nodeImage: 'stub/node:v3.32.2', controllersImage: 'stub/c:1', host: '' }),
    )
    const other = install().map(word => (word === manifest ? newer : word))
    expect((await calico(other)).err).toContain('Calico v3.32.1 is installed, the manifest is v3.32.2')
    const { code, out } = await calico(['upgrade', ...other.slice(1)])
    expect([code, out]).toEqual([0, expect.stringContaining('Calico v3.32.1 → v3.32.2')])
    expect((await calico(['upgrade', ...install().slice(1)])).err).toContain('v3.32.1 is older than v3.32.2')
  })

  test('pools are made, shown, disabled and deleted, and one in use is not', async () => {
    expect((await calico(['ippool', 'create', 'a', '--cidr', '10.240.8.0/24'])).err).toContain(
      'overlaps pool default-ipv4-ippool',
    )
    expect((await calico(['ippool', 'create', 'a', '--cidr', '10.241.0.0/16', '--encapsulation', 'none'])).code).toBe(0)
    expect((await calico(['ippool', 'create', 'a', '--cidr', '10.242.0.0/16'])).err).toContain(
      'IPPool a is there already',
    )
    expect((await calico(['ippool', 'list'])).out).toMatch(/^a +10\.241\.0\.0\/16 +\/26 +none +true +false +all\(\)$/m)
    expect((await calico(['ippool', 'disable', 'a'])).code).toBe(0)
    expect((await calico(['ippool', 'show', 'a', '-o', 'json'])).out).toContain('"disabled": true')
    expect((await calico(['ippool', 'delete', 'a'])).out).toBe('IPPool a deleted\n')
    expect((await calico(['ippool', 'delete', 'a'])).err).toContain('there is no IPPool a')
    await giveAddresses()
    const refused = await calico(['ippool', 'delete', 'default-ipv4-ippool'])
    expect(refused.err).toContain('2 addresses of 10.240.0.0/16 are in use, on node-1')
  })

  /** As Calico would have written it: one address of a pod that is there, one of a pod that is gone. */
  async function giveAddresses() {
    const datastore = openApiDatastore(control.client)
    const owner = (pod: string) => ({
      handle_id: `k8s.${pod}`,
      secondary: { node: 'node-1', namespace: 'default', pod },
    })
    const spec = {
      cidr: '10.240.0.0/30',
      affinity: 'host:node-1',
      strictAffinity: false,
      allocations: [0, 1, null, null],
      unallocated: [2, 3],
      attributes: [owner('web'), owner('gone')],
    }
    await datastore.create(IpamBlock, { metadata: { name: '10-240-0-0-30' }, spec })
    for (const pod of ['web', 'gone']) {
      const handle = { handleID: `k8s.${pod}`, block: { '10.240.0.0/30': 1 } }
      await datastore.create(IpamHandle, { metadata: { name: `k8s.${pod}` }, spec: handle })
    }
    const pod = { metadata: { namespace: 'default', name: 'web' }, spec: { containers: [{ name: 'c', image: 'x' }] } }
    const made = await control.client.create(Pod, pod as any)
    await control.client.patch(
      Pod,
      { namespace: 'default', name: 'web' },
      { type: 'merge', body: { status: { podIP: '10.240.0.0', podIPs: [{ ip: '10.240.0.0' }] } } },
      { subresource: 'status' },
    )
    return made
  }

  test('a leaked address is shown, and given back when that is asked for', async () => {
    const shown = await calico(['ipam', 'release', '--address', '10.240.0.1'])
    expect(shown.out).toMatch(
      /10\.240\.0\.1 +10\.240\.0\.0\/30 +pod default\/gone is gone\n1 leaked; release them with --yes/,
    )
    expect((await calico(['ipam', 'release', '--address', '10.240.0.1', '--yes'])).out).toContain('1 released')
    const datastore = openApiDatastore(control.client)
    const [block] = await datastore.list(IpamBlock)
    expect(block!.spec).toMatchObject({ allocations: [0, null, null, null], unallocated: [2, 3, 1], sequenceNumber: 1 })
    expect((await datastore.list(IpamHandle)).map(h => h.spec.handleID)).toEqual(['k8s.web'])
    expect((await calico(['ipam', 'show'])).out).toMatch(/default-ipv4-ippool +10\.240\.0\.0\/16 +1 of 65536/)
  })

  test('status says what is wrong with each node, and fails', async () => {
    const { code, out } = await calico(['status'])
    expect(code).toBe(1)
    expect(out).toContain('Calico     v3.32.2')
    expect(out).toContain('✖ node-2: Calico has not written its address: has calico-node started?')
    expect(out).toContain('BGP        not used: nodes take their routes from the datastore (VXLAN)')
  })

  test('status asks nodes with BGP for their sessions, says which are down, and takes its questions back', async () => {
    const config = { namespace: 'kube-system', name: 'calico-config' }
    await control.client.patch(ConfigMap, config, { type: 'merge', body: { data: { calico_backend: 'bird' } } })
    expect((await calico(['status', '--no-bgp'])).out).toContain('BGP        sessions were not asked for')
    const answers = new Map([
      ['node-1', [{ peerIP: '10.0.0.2', type: 'NodeMesh', state: 'Established', since: '09:23:22' }]],
      ['node-2', [{ peerIP: '10.0.0.1', type: 'NodeMesh', state: 'Active', since: '09:23:25' }]],
    ])
    const statusOf = apiKindOf(CalicoNodeStatus)
    const node = async () => {
      for (const { metadata, ...question } of (await control.client.list(statusOf)).items) {
        const peersV4 = answers.get(question['spec'].node)
        const body = { status: { lastUpdated: '2026-01-01T00:00:00Z', bgp: { peersV4 } } }
        await control.client.patch(statusOf, { name: metadata.name }, { type: 'merge', body })
        answers.delete(question['spec'].node)
      }
      return answers.size === 0
    }
    const [{ out }] = await Promise.all([calico(['status']), until('both questions', node)])
    expect(out).toMatch(/^node-1 .* 1 of 1 up$/m)
    expect(out).toMatch(/^node-2 .* 0 of 1 up$/m)
    expect(out).toContain('✖ node-2: BGP with 10.0.0.1 (NodeMesh) is Active since 09:23:25')
    expect((await control.client.list(statusOf)).items).toEqual([])
    await control.client.patch(ConfigMap, config, { type: 'merge', body: { data: { calico_backend: 'vxlan' } } })
  })

  test('routers, tiers and policies are held to their rules', async () => {
    expect((await calico(['bgp', 'peer', 'create', 'tor', '--peer-ip', 'tor', '--as-number', '1'])).err).toContain(
      '"tor" is not an address',
    )
    expect((await calico(['bgp', 'peer', 'create', 'tor', '--peer-ip', '10.0.0.1', '--as-number', '64512'])).code).toBe(
      0,
    )
    expect((await calico(['bgp', 'peer', 'list'])).out).toMatch(/^tor +10\.0\.0\.1 +64512 +all$/m)
    expect((await calico(['tier', 'create', 'security', '--order', '100'])).out).toBe('Tier security created\n')
    const file = join(folder, 'policy.yaml')
    const policy = (selector: string) => `apiVersion: projectcalico.org/v3
kind: GlobalNetworkPolicy
metadata: { name: ban }
spec:
  tier: security
  selector: ${selector}
  ingress: [{ action: Deny, source: { selector: app == "bad" } }, { action: Pass }]
`
    await writeFile(file, policy("'app = 1'"))
    expect((await calico(['policy', 'create', '-f', file])).err).toContain('spec.selector: "app = 1" is no selector')
    await writeFile(file, policy('all()'))
    expect((await calico(['policy', 'create', '-f', file])).out).toBe('GlobalNetworkPolicy ban created\n')
    expect((await calico(['policy', 'create', '-f', file])).out).toBe('GlobalNetworkPolicy ban configured\n')
    // As calicoctl fills it in: without types Felix would hold both directions to it.
    expect(JSON.parse((await calico(['policy', 'show', 'ban', '-o', 'json'])).out)).toMatchObject({
      metadata: { labels: { 'projectcalico.org/tier': 'security' } },
      spec: { types: ['Ingress'] },
    })
    expect((await calico(['tier', 'delete', 'security'])).err).toContain('1 policies are in it, such as ban')
  })

  test('explain names the policies and rules that decide', async () => {
    const spec = { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] }
    await control.client.create(NetworkPolicy, { metadata: { name: 'web', namespace: 'default' }, spec } as any)
    const bad = {
      metadata: { namespace: 'default', name: 'bad', labels: { app: 'bad' } },
      spec: { containers: [{ name: 'c', image: 'x' }] },
    }
    await control.client.create(Pod, bad as any)
    const { out } = await calico(['policy', 'explain', 'pod/bad', 'pod/web:80'])
    expect(out).toContain('pod default/bad → pod default/web at 80/TCP: not allowed\nEnforced by Calico v3.32.2.')
    expect(out).toContain('✖ into the destination: GlobalNetworkPolicy ban denies it (ingress[0])')
    expect((await calico(['policy', 'explain', '10.9.9.9', 'web:80'])).out).toContain(
      'NetworkPolicy default/web allows it (ingress[0])',
    )
    expect((await calico(['policy', 'explain', 'bad', 'web'])).err).toContain('"web" names no port')
  })

  test('diag is one archive: what Calico keeps, logs, this machine; no Secret, and what cannot be had is said', async () => {
    const secret = {
      metadata: { namespace: 'kube-system', name: 'calico-etcd-secrets' },
      stringData: { key: 'PRIVATE' },
    }
    await control.client.create(Secret, secret as any)
    const file = join(folder, 'diag.tar.gz')
    const { code, out } = await calico(['diag', '--file', file])
    expect([code, out]).toEqual([0, expect.stringMatching(/diag\.tar\.gz: \d+ files\n$/)])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const into = join(folder, 'diag')
    await mkdir(into)
    expect((await run('tar', ['-xzf', file, '-C', into])).err).toBe('')
    const names = (await readdir(into, { recursive: true })).filter(name => /\.\w+$/.test(name))
    expect(names).toEqual(
      expect.arrayContaining([
        'status.json',
        'nodes.json',
        'pods.json',
        'calico/ippools.json',
        'machine/routes.txt',
        'machine/iptables-legacy.txt',
      ]),
    )
    const texts = await Promise.all(names.map(name => readFile(join(into, name), 'utf8')))
    expect(texts.join('')).not.toMatch(/PRIVATE|UFJJVkFURQ/)
    expect(JSON.parse(texts[names.indexOf('calico/ippools.json')]!)[0].spec.cidr).toBe('10.240.0.0/16')
    expect(JSON.parse(texts[names.indexOf('status.json')]!)).toMatchObject({ version: 'v3.32.2', healthy: false })
    expect(names.filter(name => name.startsWith('logs/')).length).toBe(3)
  })

  test('uninstall does not cut pods off unasked, keeps data when told so, and leaves nothing otherwise', async () => {
    const annotations = { 'cni.projectcalico.org/podIP': '10.240.0.0/32' }
    await control.client.patch(
      Pod,
      { namespace: 'default', name: 'web' },
      { type: 'merge', body: { metadata: { annotations } } },
    )
    expect((await calico(['uninstall'])).err).toContain(
      "1 pods have addresses of Calico's and would be cut off: default/web",
    )
    const kept = await calico(['uninstall', '--force', '--keep-data'])
    expect(kept.out).toContain('On node-1, node-2 run: optiflow calico clean-host')
    expect((await calico(['ippool', 'list'])).out).toContain('default-ipv4-ippool')
    for (const stopAt of ['programs', 'this machine', 'rights', 'definitions'])
      expect((await calico(['uninstall', '--force'], stopAt)).code, stopAt).toBe(130)
    expect((await calico(['uninstall', '--force'])).code).toBe(0)
    expect((await calico(['ippool', 'list'])).err).toContain('not served here')
    const left = await control.client.raw('GET', '/apis/rbac.authorization.k8s.io/v1/clusterroles')
    expect(Buffer.from(left.body as Uint8Array).toString()).not.toContain('calico')
    expect((await calico(['uninstall'])).code).toBe(1)
  })
})
