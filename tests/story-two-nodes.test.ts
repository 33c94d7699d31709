import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Lan, type Machine, openLan } from './support/lan.ts'
import { leftovers, stateFolderOf, type Traces, tracesOf } from './support/leftovers.ts'
import { isReady, Parts, realImpossible } from './support/parts.ts'
import { type Started, until } from './support/processes.ts'
import { testRegistry } from './support/registries.ts'

const obstacle = realImpossible()
const selector = 'app=web'
/** Of the LAN, and nobody's. */
const pool = ['10.77.0.100', '10.77.0.101']

// One story, told in order: each test goes on where the one before ended.
describe.skipIf(obstacle)(`two nodes with real containers${obstacle ? ` (skipped: ${obstacle})` : ''}`, () => {
  let lan: Lan
  let n1: Parts
  let n2: Parts
  let registry: Started
  const before: Record<string, Traces> = {}
  const agent: string[] = []
  const startAgent = () => n2.start('agent', ['--data-dir', n2.dataDir, ...agent], '✔ network')

  beforeAll(async () => {
    lan = await openLan(['n1', 'n2'])
    n1 = new Parts(lan.machines['n1']!, lan.folder)
    n2 = new Parts(lan.machines['n2']!, lan.folder)
    for (const n of [n1, n2]) before[n.machine.name] = await tracesOf(n.machine, n.dataDir)
    registry = await testRegistry(n1.machine, 5000)
    const mirror = ['--registry-mirror', 'registry.test=http://10.77.0.11:5000']
    const up = ['--runtime', 'containerd', '--data-dir', n1.dataDir, '--listen', '10.77.0.11:6443', '--node-name', 'n1']
    // Its silence is waited for in real time.
    const soon = ['--node-monitor-grace-period', '40s', '--load-balancer-pool', pool.join('-')]
    await n1.start('up', [...up, ...soon, '--kubeconfig', n1.kubeconfig, ...mirror], 'The API answers at')
    const token = / --token (\S+)/.exec(await n1.optiflow('status', '--data-dir', n1.dataDir))![1]!
    agent.push('--server', 'https://10.77.0.11:6443', '--token', token, '--node-name', 'n2', ...mirror)
    await startAgent()
  })

  afterAll(async () => {
    await n2?.[Symbol.asyncDispose]()
    await n1?.[Symbol.asyncDispose]()
    await registry?.stop()
    await lan?.[Symbol.asyncDispose]()
  })

  const nodeReady = async (name: string) => isReady(await n1.get('node', name))
  /** Names of the nodes that the ready pods of the Deployment are on, sorted. */
  const placesOfReady = async () =>
    (await n1.pods(selector))
      .filter(isReady)
      .map(p => p.spec.nodeName as string)
      .sort()
  const visitor = (node: string, ...command: string[]) => n1.kubectl('exec', `visitor-${node}`, '--', ...command)
  const fetchFrom = (node: string, url: string) => visitor(node, 'wget', '-qO-', url)
  const nodePort = (ip: string) => lan.outside.ok('wget', ['-qO-', '-T', '3', '-t', '1', `http://${ip}:30080/`])

  it('both are ready, each with pods of its own network', async () => {
    await until('both nodes Ready', async () => (await nodeReady('n1')) && (await nodeReady('n2')))
    const cidrs = (await n1.get('nodes')).items.map((n: any) => n.spec.podCIDR)
    expect(new Set(cidrs).size).toBe(2)
  })

  it('pods are spread over both', async () => {
    const tolerate = (key: string) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 })
    const container = { name: 'web', image: 'registry.test/web:1' }
    const visiting = (node: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `visitor-${node}`, namespace: 'default' },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': node },
        terminationGracePeriodSeconds: 0,
        containers: [{ ...container, command: ['sleep', '3600'] }],
      },
    })
    await n1.apply(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', namespace: 'default' },
        spec: {
          replicas: 4,
          selector: { matchLabels: { app: 'web' } },
          template: {
            metadata: { labels: { app: 'web' } },
            spec: {
              terminationGracePeriodSeconds: 2,
              tolerations: [tolerate('node.kubernetes.io/not-ready'), tolerate('node.kubernetes.io/unreachable')],
              containers: [{ ...container, readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 } }],
            },
          },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web', namespace: 'default' },
        spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 8080, nodePort: 30080 }] },
      },
      visiting('n1'),
      visiting('n2'),
    )
    await until('four ready pods', async () => (await placesOfReady()).length === 4)
    expect(new Set(await placesOfReady())).toEqual(new Set(['n1', 'n2']))
    for (const node of ['n1', 'n2'])
      await until(`the visitor of ${node}`, async () => isReady(await n1.get('pod', `visitor-${node}`)))
  })

  it('each pod reaches each other by its address, and the Service by address and name, from both nodes', async () => {
    const found = await n1.pods(selector)
    const { clusterIP } = (await n1.get('service', 'web')).spec
    for (const node of ['n1', 'n2']) {
      for (const { metadata, status } of found)
        expect(await fetchFrom(node, `http://${status.podIP}:8080/`)).toBe(`version 1 on ${metadata.name}\n`)
      for (const host of [clusterIP, 'web', 'web.default.svc.cluster.local'])
        expect(await fetchFrom(node, `http://${host}:8080/`)).toMatch(/^version 1 on web-/)
      const answers = new Set<string>()
      await until(`answers of pods on both nodes at ${node}`, async () => {
        answers.add(await fetchFrom(node, `http://${clusterIP}:8080/`))
        return answers.size === found.length
      })
    }
  })

  it('the node port of either node leads to the pods of both, and the API is reached by its Service', async () => {
    for (const ip of ['10.77.0.11', '10.77.0.12']) {
      const answers = new Set<string>()
      await until(`answers of all pods at ${ip}`, async () => {
        answers.add(await nodePort(ip))
        return answers.size === 4
      })
    }
    for (const node of ['n1', 'n2'])
      expect(await visitor(node, 'sh', '-c', 'nc -w 3 kubernetes 443 </dev/null && echo reached')).toContain('reached')
  })

  it('a host port leads to its pod from outside, from both nodes and their pods, and from the pod itself', async () => {
    const listening = (name: string, ports: object[]) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', labels: { app: name } },
      spec: {
        nodeName: 'n2',
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'web', image: 'registry.test/web:1', ports }],
      },
    })
    const port = (hostPort: number, more: object = {}) => ({ containerPort: 8080, hostPort, ...more })
    await n1.apply(
      listening('everywhere', [port(31080)]),
      listening('loopback', [port(31081, { hostIP: '127.0.0.1' })]),
      listening('own', [port(31081, { hostIP: n2.machine.ip })]),
      listening('clash', [port(31080, { hostIP: '127.0.0.1' })]),
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'everywhere', namespace: 'default' },
        spec: { selector: { app: 'everywhere' }, ports: [{ port: 80, targetPort: 8080 }] },
      },
    )
    for (const name of ['everywhere', 'loopback', 'own'])
      await until(name, async () => isReady(await n1.get('pod', name)))
    const url = `http://${n2.machine.ip}:31080/`
    const from = (machine: Machine, at = url) => machine.ok('wget', ['-qO-', '-T', '3', '-t', '1', at])
    const itself = 'version 1 on everywhere\n'
    for (const machine of [lan.outside, n1.machine, n2.machine]) expect(await from(machine)).toBe(itself)
    expect(await from(n2.machine, 'http://127.0.0.1:31081/')).toBe('version 1 on loopback\n')
    expect(await from(lan.outside, `http://${n2.machine.ip}:31081/`)).toBe('version 1 on own\n')
    expect((await n1.get('pod', 'clash')).status).toMatchObject({ phase: 'Failed', reason: 'NodePorts' })
    for (const node of ['n1', 'n2']) expect(await fetchFrom(node, url)).toBe(itself)
    // A pod that calls itself: by its node's port, and by its Service, whose bare name would be its own host name.
    const calling = (at: string) => n1.kubectl('exec', 'everywhere', '--', 'wget', '-qO-', at)
    expect(await calling(url)).toBe(itself)
    await until(
      'itself by its Service',
      async () => (await calling('http://everywhere.default/').catch(() => '')) === itself,
    )
    await n2.machine.ok('nft', ['flush', 'ruleset'])
    await until('the rules to be back', async () => (await from(lan.outside).catch(() => '')) === itself)
    await n1.kubectl('delete', 'pods', 'everywhere', 'loopback', 'own', 'clash')
    await until('no answer', async () => (await from(lan.outside).catch(() => 'none')) === 'none')
  })

  const pooled = (ip: string) => lan.outside.ok('wget', ['-qO-', '-T', '2', '-t', '1', `http://${ip}/`])
  const isAnswered = async (ip: string) => (await pooled(ip).catch(() => '')).startsWith('version 1 on web-')

  it('Services of type LoadBalancer have addresses of the pool, which the LAN finds; who comes too late is told', async () => {
    const service = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { type: 'LoadBalancer', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
    })
    await n1.apply(service('lb-1'), service('lb-2'))
    for (const ip of pool) await until(`an answer at ${ip}`, () => isAnswered(ip))
    const given = (await n1.get('services')).items.flatMap((s: any) => s.status.loadBalancer.ingress ?? [])
    expect(given.map(({ ip, ipMode }: any) => [ip, ipMode]).sort()).toEqual(pool.map(ip => [ip, 'VIP']))
    await n1.apply(service('lb-3'))
    await until('the reason', async () =>
      (await n1.kubectl('describe', 'service', 'lb-3')).includes('no address of the pool is free'),
    )
    await n1.kubectl('delete', 'service', 'lb-3')
  })

  it('logs and exec reach the pods of the node that joined', async () => {
    const there = (await n1.pods(selector)).find(p => p.spec.nodeName === 'n2')
    expect(await n1.kubectl('logs', there.metadata.name)).toContain('serving version 1')
    expect(await visitor('n2', 'hostname')).toBe('visitor-n2\n')
  })

  it('an image whose registry is down comes from the node that has it', async () => {
    const pod = (node: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `second-${node}`, namespace: 'default' },
      spec: {
        nodeName: node,
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'web', image: 'registry.test/web:2' }],
      },
    })
    await n1.apply(pod('n1'))
    await until('the first pod of the image', async () => isReady(await n1.get('pod', 'second-n1')))
    await registry.stop()
    await n1.apply(pod('n2'))
    await until('a pod of it on the other node', async () => isReady(await n1.get('pod', 'second-n2')))
    const said = 'Image "registry.test/web:2" came from node "n1", as registry registry.test cannot be had'
    await until('the event that says where the image came from', async () => {
      const { items } = await n1.get('events', '--field-selector', 'involvedObject.name=second-n2')
      return items.some((event: any) => event.message === said)
    })
    await n1.kubectl('delete', 'pods', 'second-n1', 'second-n2')
    registry = await testRegistry(n1.machine, 5000)
  })

  it('a node that dies is noticed, and its pods are replaced on the other', async () => {
    const died = performance.now()
    await n2.die()
    await until('n2 to be not ready', async () => !(await nodeReady('n2')), { timeoutMs: 90_000, everyMs: 300 })
    const noticed = performance.now()
    const wanted = ['n1', 'n1', 'n1', 'n1']
    await until('four ready pods on n1', async () => JSON.stringify(await placesOfReady()) === JSON.stringify(wanted))
    console.log(`dead node: noticed after ${s(noticed - died)}, pods replaced ${s(performance.now() - noticed)} later`)
    const taints = (await n1.get('node', 'n2')).spec.taints.map((t: any) => `${t.key}:${t.effect}`)
    expect(taints).toContain('node.kubernetes.io/unreachable:NoExecute')
    for (let i = 0; i < 10; i++) expect(await nodePort('10.77.0.11')).toMatch(/^version 1 on web-/)
    // Whatever addresses it had are the other's now.
    for (const ip of pool) await until(`an answer at ${ip}`, () => isAnswered(ip))
  })

  it('a node that comes back is ready again, and nothing of its old pods stays', async () => {
    await startAgent()
    await until('n2 to be Ready', () => nodeReady('n2'))
    await until('no taint on n2', async () => !(await n1.get('node', 'n2')).spec.taints?.length)
    await until('its old pods to be gone', async () => {
      const pods = (await n1.get('pods')).items.filter((p: any) => p.spec.nodeName === 'n2')
      return pods.every((p: any) => p.metadata.name === 'visitor-n2' && isReady(p))
    })
    // The visitor tolerates a dead node for five minutes: it is the same pod, with a new container.
    const kept = (await n1.get('pod', 'visitor-n2')).status.containerStatuses[0].containerID.replace(
      'containerd://',
      '',
    )
    await until('only its containers on n2', async () => {
      const running = await readdir(`${stateFolderOf(n2.dataDir)}/runc/k8s.io`)
      return running.length === 2 && running.includes(kept)
    })
    expect(await fetchFrom('n2', 'http://web:8080/')).toMatch(/^version 1 on web-/)
    await n1.kubectl('scale', 'deployment/web', '--replicas=6')
    await until('six ready pods on both', async () => {
      const places = await placesOfReady()
      return places.length === 6 && places.includes('n2')
    })
    const answers = new Set<string>()
    await until('an answer of each', async () => answers.add(await nodePort('10.77.0.12')).size === 6)
  })

  it('down --purge on both leaves nothing on either', async () => {
    for (const n of [n2, n1]) await n.optiflow('down', '--purge', '--data-dir', n.dataDir)
    await registry.stop()
    for (const n of [n1, n2])
      expect(leftovers(before[n.machine.name]!, await tracesOf(n.machine, n.dataDir))).toEqual({})
  })
})

const s = (ms: number) => `${(ms / 1000).toFixed(1)} s`
