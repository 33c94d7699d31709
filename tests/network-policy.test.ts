import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lan, openLan } from './support/lan.ts'
import { leftovers, stateFolderOf, type Traces, tracesOf } from './support/leftovers.ts'
import { isReady, Parts, realImpossible } from './support/parts.ts'
import { run, type Started, until } from './support/processes.ts'
import { testRegistry } from './support/registries.ts'

const obstacle = realImpossible()
const udpServer = `require('dgram').createSocket('udp4').on('message', function (m, r) { this.send('echo ' + m, r.port, r.address) }).bind(9000, () => console.log('up'))`
const udpClient = (ip: string) =>
  `const s = require('dgram').createSocket('udp4'); s.on('message', m => { process.exit(0) }); s.send('hi', 9000, '${ip}'); setTimeout(() => process.exit(1), 1500)`

// One story, told in order: each test goes on where the one before ended.
describe.skipIf(obstacle)(`network policies between real pods${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let lan: Lan
  let n1: Parts
  let n2: Parts
  let registry: Started
  let udp: Started | undefined
  const before: Record<string, Traces> = {}
  const ips: Record<string, string> = {}

  const pod = (namespace: string, name: string, node: string, labels: object, command?: string[]) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, labels },
    spec: {
      nodeName: node,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'c',
          image: 'registry.test/web:1',
          ports: [{ name: 'http', containerPort: 8080 }],
          ...(command ? { command } : { readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 } }),
        },
      ],
    },
  })
  const policy = (name: string, spec: object, namespace = 'shop') => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec,
  })
  const forget = (...names: string[]) => n1.kubectl('delete', 'networkpolicy', '-n', 'shop', ...names)
  /** What a pod gets from another: its answer, or undefined when nothing comes within a second. */
  const ask = async (namespace: string, from: string, to: string): Promise<string | undefined> => {
    const command = ['timeout', '1', 'wget', '-qO-', `http://${ips[to] ?? to}:8080/`]
    const { code, out } = await n1.kubectlRun(['exec', '-n', namespace, from, '--', ...command])
    return code === 0 ? out.trim() : undefined
  }
  const matrix = async () => {
    const [near, far, stranger] = await Promise.all([
      ask('shop', 'near', 'web'),
      ask('shop', 'far', 'web'),
      ask('else', 'stranger', 'web'),
    ])
    return { sameNode: !!near, otherNode: !!far, otherNamespace: !!stranger }
  }
  const everybody = { sameNode: true, otherNode: true, otherNamespace: true }
  const nobody = { sameNode: false, otherNode: false, otherNamespace: false }
  const settles = (what: string, wanted: object) =>
    until(what, async () => JSON.stringify(await matrix()) === JSON.stringify(wanted), { timeoutMs: 20_000 })
  /** The namespace of the pod with this address, to run a program of this machine in. */
  const inPod = async (n: Parts, ip: string, ...command: string[]) => {
    const folder = join(stateFolderOf(n.dataDir), 'io.containerd.grpc.v1.cri/netns')
    for (const name of await readdir(folder)) {
      const { out } = await run('nsenter', [`--net=${join(folder, name)}`, 'ip', '-4', 'addr'])
      if (out.includes(`inet ${ip}/`)) return [`--net=${join(folder, name)}`, ...command]
    }
    throw new Error(`no pod has the address ${ip}`)
  }

  beforeAll(async () => {
    lan = await openLan(['n1', 'n2'])
    n1 = new Parts(lan.machines['n1']!, lan.folder)
    n2 = new Parts(lan.machines['n2']!, lan.folder)
    for (const n of [n1, n2]) before[n.machine.name] = await tracesOf(n.machine, n.dataDir)
    registry = await testRegistry(n1.machine, 5000)
    const mirror = ['--registry-mirror', 'registry.test=http://10.77.0.11:5000']
    const up = ['--runtime', 'containerd', '--data-dir', n1.dataDir, '--listen', '10.77.0.11:6443', '--node-name', 'n1']
    await n1.start('up', [...up, '--kubeconfig', n1.kubeconfig, ...mirror], 'The API answers at')
    const token = / --token (\S+)/.exec(await n1.optiflow('status', '--data-dir', n1.dataDir))![1]!
    const joining = ['--server', 'https://10.77.0.11:6443', '--token', token, '--node-name', 'n2', ...mirror]
    await n2.start('agent', ['--data-dir', n2.dataDir, ...joining], '✔ network')
    await until('both nodes Ready', async () => (await n1.get('nodes')).items.every(isReady))
    for (const [name, team] of [
      ['shop', 'blue'],
      ['else', 'red'],
    ] as const)
      await n1.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { team } } })
    const idle = ['sleep', '3600']
    await n1.apply(
      pod('shop', 'web', 'n1', { app: 'web' }),
      pod('shop', 'near', 'n1', { app: 'near' }, idle),
      pod('shop', 'far', 'n2', { app: 'far' }, idle),
      pod('else', 'stranger', 'n2', { app: 'stranger' }, idle),
    )
    await until('the pods', async () => (await n1.get('pods', '-A')).items.filter(isReady).length === 4)
    for (const { metadata, status } of (await n1.get('pods', '-A')).items) ips[metadata.name] = status.podIP
  })

  afterAll(async () => {
    await udp?.stop()
    await n2?.[Symbol.asyncDispose]()
    await n1?.[Symbol.asyncDispose]()
    await registry?.stop()
    await lan?.[Symbol.asyncDispose]()
  })

  it('without a policy everybody reaches everybody, and the kernel has no rules of ours for it', async () => {
    expect(await matrix()).toEqual(everybody)
    expect(await n1.machine.ok('nft', ['list', 'tables'])).not.toContain('optiflow-policies')
  })

  it('a pod that nothing may reach is reached by its node alone', async () => {
    await n1.apply(policy('deny', { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Ingress'] }))
    await settles('nobody to reach it', nobody)
    expect(await n1.machine.ok('wget', ['-qO-', '-T', '2', '-t', '1', `http://${ips['web']}:8080/`])).toContain(
      'version 1',
    )
    expect(isReady(await n1.get('pod', '-n', 'shop', 'web'))).toBe(true)
  })

  it('pods and namespaces are let in by their labels', async () => {
    const web = { matchLabels: { app: 'web' } }
    await n1.apply(
      policy('friends', { podSelector: web, ingress: [{ from: [{ podSelector: { matchLabels: { app: 'far' } } }] }] }),
    )
    await settles('the pod with the label', { ...nobody, otherNode: true })
    await n1.apply(
      policy('friends', {
        podSelector: web,
        ingress: [{ from: [{ namespaceSelector: { matchLabels: { team: 'red' } } }] }],
      }),
    )
    await settles('the namespace with the label', { ...nobody, otherNamespace: true })
    await n1.kubectl('label', 'namespace', 'else', 'team=blue', '--overwrite')
    await settles('nobody, once the label is gone', nobody)
    await n1.kubectl('label', 'namespace', 'else', 'team=red', '--overwrite')
  })

  it('ports count by number, range and name', async () => {
    const open = (port: object) =>
      n1.apply(policy('friends', { podSelector: {}, ingress: [{ ports: [{ protocol: 'TCP', ...port }] }] }))
    await open({ port: 8081 })
    await settles('nobody at another port', nobody)
    await open({ port: 8000, endPort: 8100 })
    await settles('everybody in the range', everybody)
    await open({ port: 'https' })
    await settles('nobody at a name that the pod has not', nobody)
    await open({ port: 'http' })
    await settles('everybody at the name', everybody)
  })

  it('address blocks count, without their exceptions, also for who comes from outside by a node port', async () => {
    await n1.apply({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'shop' },
      spec: {
        type: 'NodePort',
        externalTrafficPolicy: 'Local',
        selector: { app: 'web' },
        ports: [{ port: 8080, nodePort: 30080 }],
      },
    })
    const outside = () =>
      lan.outside.run('wget', ['-qO-', '-T', '1', '-t', '1', 'http://10.77.0.11:30080/']).then(e => e.code === 0)
    const from = (ipBlock: object) =>
      n1.apply(policy('friends', { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from: [{ ipBlock }] }] }))
    await from({ cidr: '10.77.0.0/24' })
    await until('an answer for the LAN', outside)
    await settles('no pod, which has an address of another network', nobody)
    await from({ cidr: '10.77.0.0/24', except: ['10.77.0.1/32'] })
    await until('no answer for the exception', async () => !(await outside()))
    await forget('friends', 'deny')
    await settles('everybody, without policies', everybody)
  })

  it('the way of a connection is drawn, with the rule that decides and what it has counted in the kernel', async () => {
    const from = [{ podSelector: { matchLabels: { app: 'far' } } }]
    await n1.apply(policy('friends', { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ from }] }))
    await settles('the pod with the label', { ...nobody, otherNode: true })
    const check = (name: string) => n1.optiflowRun('net', 'check', `pod/${name}`, 'svc/web:8080', '-n', 'shop')
    const [open, closed] = [await check('far'), await check('near')]
    expect({ code: open.code, err: open.err }).toEqual({ code: 0, err: '' })
    expect(open.out).toContain('web.shop.svc.cluster.local → 10.96.')
    expect(open.out).toMatch(
      /NetworkPolicy shop\/friends allows it \(ingress\[0\]\); [1-9]\d* connections let through so far/,
    )
    expect(open.out).toMatch(/✔ way +n2 → 10\.244\.\d+\.0\/24 .*; back: n1 → 10\.244\./)
    expect(closed.code).toBe(1)
    expect(closed.out).toMatch(/✖ ingress .*; [1-9]\d* packets dropped so far/)
    expect(closed.err).toContain('it breaks at ingress')
    const metrics = await n1.kubectl('get', '--raw', '/api/v1/nodes/n1/proxy/metrics')
    expect(metrics).toMatch(/packets_total{namespace="shop",policy="friends",direction="ingress",rule="0"} [1-9]/)
    expect(metrics).toMatch(/dropped_packets_total{namespace="shop",direction="ingress"} [1-9]/)
    await forget('friends')
  })

  it('UDP is held to its own rules', async () => {
    udp = n1.machine.start('nsenter', await inPod(n1, ips['web']!, process.execPath, '-e', udpServer))
    await until('the server', () => udp!.out().includes('up'))
    const echo = async () =>
      (await run('nsenter', await inPod(n2, ips['far']!, process.execPath, '-e', udpClient(ips['web']!)))).code === 0
    expect(await echo()).toBe(true)
    const only = (protocol: string) =>
      n1.apply(policy('udp', { podSelector: { matchLabels: { app: 'web' } }, ingress: [{ ports: [{ protocol }] }] }))
    await only('TCP')
    await until('no echo', async () => !(await echo()))
    expect(await ask('shop', 'far', 'web')).toBeDefined()
    await only('UDP')
    await until('an echo', echo)
    expect(await ask('shop', 'far', 'web')).toBeUndefined()
    await forget('udp')
    await udp.stop()
  })

  it('a pod that may send nothing sends nothing, from its first moment on; with DNS let through it finds names', async () => {
    await n1.apply(policy('silent', { podSelector: { matchLabels: { quiet: 'yes' } }, policyTypes: ['Egress'] }))
    const shout = `while true; do timeout 0.3 wget -qO- http://${ips['web']}:8080/ && echo REACHED; sleep 0.05; done`
    await n1.apply(pod('shop', 'quiet', 'n2', { quiet: 'yes' }, ['sh', '-c', shout]))
    await until('the quiet pod', async () => isReady(await n1.get('pod', '-n', 'shop', 'quiet')))
    await new Promise(resolve => setTimeout(resolve, 2_000))
    expect(await n1.kubectl('logs', '-n', 'shop', 'quiet')).not.toContain('REACHED')
    await n1.apply(
      policy('silent', {
        podSelector: { matchLabels: { quiet: 'yes' } },
        policyTypes: ['Egress'],
        egress: [{ to: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 'http' }] }],
      }),
    )
    await until('what is allowed', async () => (await n1.kubectl('logs', '-n', 'shop', 'quiet')).includes('REACHED'))
    expect(await ask('shop', 'quiet', 'web')).toContain('version 1')
    await n1.kubectl('delete', 'pod', '-n', 'shop', 'quiet')
  })

  it('rules that somebody flushed come back', async () => {
    await n1.apply(policy('deny', { podSelector: {}, policyTypes: ['Ingress'] }))
    await settles('nobody', nobody)
    await n1.machine.ok('nft', ['flush', 'ruleset'])
    await until('the table again', async () =>
      (await n1.machine.ok('nft', ['list', 'tables'])).includes('optiflow-policies'),
    )
    await settles('nobody again', nobody)
  })

  it('an agent that was away has missed nothing', async () => {
    await n2.end('agent', 'SIGKILL')
    await n1.apply(policy('deny-far', { podSelector: { matchLabels: { app: 'far' } }, policyTypes: ['Ingress'] }))
    await n2.start(
      'agent',
      ['--data-dir', n2.dataDir, '--server', 'https://10.77.0.11:6443', '--node-name', 'n2'],
      '✔ network',
    )
    expect(await n2.machine.ok('nft', ['list', 'map', 'ip', 'optiflow-policies', 'ingress'])).toContain(ips['far'])
  })

  it('without policies nothing is left in the kernel, and after down --purge nothing at all', async () => {
    await n1.kubectl('delete', 'networkpolicy', '--all', '-A')
    for (const n of [n1, n2])
      await until('the table to go', async () => !(await n.machine.ok('nft', ['list', 'tables'])).includes('policies'))
    await n1.apply(policy('deny', { podSelector: {} }))
    await until('a table again', async () => (await n1.machine.ok('nft', ['list', 'tables'])).includes('policies'))
    for (const n of [n2, n1]) await n.optiflow('down', '--purge', '--data-dir', n.dataDir)
    for (const n of [n2, n1]) {
      const { processes = [], ...left } = leftovers(before[n.machine.name]!, await tracesOf(n.machine, n.dataDir))
      expect(left).toEqual({})
      expect(processes.filter(line => !line.includes('registry-main'))).toEqual([])
    }
  })
})
