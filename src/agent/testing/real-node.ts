import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { admin, startTestServer, type TestServer } from '../../apiserver/testing/test-server.ts'
import { createTokenKey } from '../../base/certificates.ts'
import { systemClock } from '../../base/clock.ts'
import { systemCommands } from '../../base/commands.ts'
import { systemDisk } from '../../base/disk.ts'
import { createLogger, silentLogger } from '../../base/logger.ts'
import { systemNet } from '../../base/net.ts'
import { systemRandom } from '../../base/random.ts'
import { type Client, createClient, inProcessTransport } from '../../client/index.ts'
import { ConfigMap } from '../../models/kinds/core/config-map.ts'
import { Event } from '../../models/kinds/core/event.ts'
import { Namespace } from '../../models/kinds/core/namespace.ts'
import { Pod } from '../../models/kinds/core/pod.ts'
import { ServiceAccount } from '../../models/kinds/core/service-account.ts'
import type { Container, PodSpec } from '../../models/types/core-v1.ts'
import { type ContainerdBench, openContainerdBench } from '../../runtime/testing/containerd-bench.ts'
import { type Agent, createAgent } from '../agent.ts'
import type { AgentOptions } from '../options.ts'

const log = process.env['OPTIFLOW_TEST_LOG'] ? createLogger('debug') : silentLogger

/** One node with real containers and an API in this process, for tests. Needs root and containerd. */
export class RealNode implements AsyncDisposable {
  readonly bench: ContainerdBench
  readonly server: TestServer
  readonly client: Client
  readonly folder: string
  agent: Agent
  readonly #more: Partial<AgentOptions>

  private constructor(bench: ContainerdBench, server: TestServer, folder: string, more: Partial<AgentOptions>) {
    this.bench = bench
    this.server = server
    this.client = createClient(inProcessTransport(server.api.handler, admin))
    this.folder = folder
    this.#more = more
    this.agent = this.#newAgent()
  }

  /** @param subnet of the pods; another for each test file. @param parent of containerd's folder */
  static async open(subnet: string, more: Partial<AgentOptions> = {}, parent = '/tmp'): Promise<RealNode> {
    const bench = await openContainerdBench({ subnet, parent })
    const folder = await mkdtemp('/tmp/optiflow-agent-')
    const server = await startTestServer({ tokenKeys: await createTokenKey() })
    const node = new RealNode(bench, server, folder, more)
    await node.client.create<Namespace>(Namespace, { metadata: { name: 'test' }, spec: {} }).catch(() => {})
    await node.client.create<ServiceAccount>(ServiceAccount, { metadata: { name: 'default', namespace: 'test' } })
    await node.client.create<ConfigMap>(ConfigMap, {
      metadata: { name: 'kube-root-ca.crt', namespace: 'test' },
      data: { 'ca.crt': 'CA' },
    })
    await node.agent.start()
    await node.agent.registered
    return node
  }

  /** Ends the agent; the containers go on. `startAgent` brings another. */
  async stopAgent(): Promise<void> {
    await this.agent.stop()
  }

  async startAgent(): Promise<void> {
    this.agent = this.#newAgent()
    await this.agent.start()
  }

  #newAgent(): Agent {
    const { folder } = this
    return createAgent({
      nodeName: 'node-1',
      client: this.client,
      runtime: this.bench.runtime,
      clock: systemClock,
      random: systemRandom,
      disk: systemDisk,
      net: systemNet,
      commands: systemCommands,
      log,
      folder,
      addresses: [
        { type: 'InternalIP', address: '127.0.0.1' },
        { type: 'Hostname', address: 'node-1' },
      ],
      clusterDns: ['10.96.0.10'],
      reserved: {},
      ...this.#more,
    })
  }

  /** A container that runs a script and ends at once when told to. */
  sh(script: string, more: Partial<Container> = {}): Container {
    return {
      name: 'main',
      image: this.bench.image,
      imagePullPolicy: 'IfNotPresent',
      command: ['sh', '-c', `trap 'exit 0' TERM; ${script}`],
      ...more,
    }
  }

  run(name: string, spec: Partial<PodSpec>, annotations: Record<string, string> = {}): Promise<Pod> {
    return this.client.create<Pod>(Pod, {
      metadata: { name, namespace: 'test', labels: { app: name }, annotations },
      spec: {
        nodeName: 'node-1',
        containers: [this.sh(forever)],
        terminationGracePeriodSeconds: 2,
        ...spec,
      } as PodSpec,
    })
  }

  get(name: string): Promise<Pod> {
    return this.client.get(Pod, { namespace: 'test', name })
  }

  /** The pod as soon as `holds` is true of it. */
  when(name: string, what: string, holds: (pod: Pod) => unknown): Promise<Pod> {
    let last: Pod | undefined
    return until(`${name} ${what}`, async () => {
      last = await this.get(name)
      return holds(last) ? last : undefined
    }).catch(error => {
      throw new Error(`${error.message}; last seen: ${JSON.stringify(last?.status)}`)
    })
  }

  isReady(name: string): Promise<Pod> {
    return this.when(name, 'ready', pod => pod.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True'))
  }

  ends(name: string): Promise<Pod> {
    return this.when(name, 'over', pod => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed')
  }

  async remove(name: string): Promise<void> {
    await this.client.delete(Pod, { namespace: 'test', name })
    await until(`${name} gone`, async () => (await this.get(name).catch(() => undefined)) === undefined || undefined)
  }

  /** What the newest container of this name has written. */
  async output(name: string, container = 'main'): Promise<string> {
    const pod = (await this.bench.runtime.observe()).find(p => p.name === name)!
    const newest = pod.containers.filter(c => c.name === container).sort((a, b) => b.attempt - a.attempt)[0]!
    const parts: Uint8Array[] = []
    for await (const part of this.bench.runtime.logs(newest.id, {}, new AbortController().signal)) parts.push(part)
    return Buffer.concat(parts).toString()
  }

  /** Runs a command in the pod's running container. */
  async inside(name: string, ...command: string[]): Promise<string> {
    const pod = (await this.bench.runtime.observe()).find(p => p.name === name)!
    const running = pod.containers.find(c => c.state === 'running')!
    const { stdout, stderr } = await this.bench.runtime.exec(running.id, command, 5_000)
    return stdout + stderr
  }

  /** Process, on the machine, of the pod's first running container. */
  async pidOf(name: string): Promise<number> {
    const pod = (await this.bench.runtime.observe()).find(p => p.name === name)!
    const { id } = pod.containers.find(c => c.state === 'running')!
    for (const entry of await readdir('/proc')) {
      if (!/^\d+$/.test(entry)) continue
      const groups = await readFile(`/proc/${entry}/cgroup`, 'utf8').catch(() => '')
      if (groups.includes(id)) return Number(entry)
    }
    throw new Error(`no process of ${name}`)
  }

  /** `Reason: message` of the pod's events. */
  async events(name: string): Promise<string[]> {
    const { items } = await this.client.list(Event, { namespace: 'test' })
    return items.filter(e => e.involvedObject.name === name).map(e => `${e.reason}: ${e.message}`)
  }

  /** Ends all pods and tells what is left of them. */
  async leaks(): Promise<string[]> {
    for (const { metadata } of (await this.client.list(Pod)).items)
      await this.client
        .delete(Pod, { namespace: metadata.namespace!, name: metadata.name }, { gracePeriodSeconds: 0 })
        .catch(() => {})
    await until('all pods gone', async () => ((await this.bench.runtime.observe()).length === 0 ? true : undefined))
    await this.agent.stop()
    // Control groups are in one place for all containerds of a machine: the runtime's own suite counts them.
    return (await this.bench.leaks()).filter(leak => !leak.includes('cgroup'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.agent.stop()
    await this.bench[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
    await rm(this.folder, { recursive: true, force: true })
  }
}

export const forever = 'while true; do sleep 0.1; done'

export async function until<T>(what: string, holds: () => Promise<T | undefined>, withinMs = 30_000): Promise<T> {
  const end = performance.now() + withinMs
  for (;;) {
    const found = await holds()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
