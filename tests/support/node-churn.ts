import { copyFile, mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemDisk } from '../../src/base/disk.ts'
import { processes, wordsOf } from '../../src/base/processes.ts'
import type { Random } from '../../src/base/random.ts'
import { type Lan, openLan } from './lan.ts'
import { stateFolderOf } from './leftovers.ts'
import { isReady, Parts } from './parts.ts'
import { type Started, until } from './processes.ts'
import { testRegistry } from './registries.ts'

/**
 * A server on one machine and a node on another whose pods come and go. Every container that starts writes a line into a
 * file of its pod's uid, so that a start too many cannot hide.
 */
export class NodeChurn implements AsyncDisposable {
  readonly server: Parts
  readonly node: Parts
  /** Names of the pods that should run, the oldest first. */
  readonly wanted: string[] = []
  readonly #lan: Lan
  readonly #registry: Started
  readonly #starts: string
  readonly #agents: Started[] = []
  #agentArgs: string[] = []
  #count = 0

  private constructor(lan: Lan, registry: Started) {
    this.#lan = lan
    this.#registry = registry
    this.server = new Parts(lan.machines['n1']!, lan.folder)
    this.node = new Parts(lan.machines['n2']!, lan.folder)
    this.#starts = join(lan.folder, 'starts')
  }

  static async open(): Promise<NodeChurn> {
    const lan = await openLan(['n1', 'n2'])
    const churn = new NodeChurn(lan, await testRegistry(lan.machines['n1']!, 5000))
    try {
      await mkdir(churn.#starts)
      await churn.startServer()
      const status = await churn.server.optiflow('status', '--data-dir', churn.server.dataDir)
      churn.#agentArgs = [
        ...['--data-dir', churn.node.dataDir, '--server', 'https://10.77.0.11:6443', '--node-name', 'n2'],
        ...['--token', / --token (\S+)/.exec(status)![1]!],
        ...['--registry-mirror', 'registry.test=http://10.77.0.11:5000'],
      ]
      churn.startAgent()
      await until('the node to be Ready', async () => isReady(await churn.server.get('node', 'n2')))
      return churn
    } catch (error) {
      await churn[Symbol.asyncDispose]()
      throw error
    }
  }

  async startServer(): Promise<void> {
    const flags = [
      '--data-dir',
      this.server.dataDir,
      '--listen',
      '10.77.0.11:6443',
      '--kubeconfig',
      this.server.kubeconfig,
    ]
    await this.server.start('up', ['--runtime', 'simulated', '--nodes', '0', ...flags], 'The API answers at')
  }

  /** Does not wait for anything. */
  startAgent(): void {
    this.#agents.push(this.node.launch('agent', this.#agentArgs))
  }

  /** The agent ends at once, whatever it was doing. */
  killAgent(): Promise<void> {
    return this.node.end('agent', 'SIGKILL')
  }

  killContainerd(): Promise<void> {
    return this.signalContainerd('SIGKILL')
  }

  /** `SIGSTOP`: it takes connections, and answers nobody. */
  async signalContainerd(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const config = join(this.node.dataDir, 'containerd/config.toml')
    for (const pid of await processes(systemDisk)) {
      const words = await wordsOf(systemDisk, pid)
      if (words[0]?.endsWith('containerd') && words.includes(config)) process.kill(pid, signal)
    }
  }

  /** A pod whose first container writes down that it started. */
  pod(name: string, script = '', container: object = {}): object {
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', labels: { app: 'churn' } },
      spec: {
        nodeName: 'n2',
        terminationGracePeriodSeconds: 1,
        volumes: [
          { name: 'starts', hostPath: { path: this.#starts } },
          { name: 'scratch', emptyDir: { medium: 'Memory' } },
        ],
        containers: [
          {
            name: 'main',
            image: 'registry.test/web:1',
            env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } }],
            command: [
              'sh',
              '-c',
              `echo x >> /starts/$POD; trap 'exit 0' TERM; ${script} while true; do sleep 1 & wait; done`,
            ],
            volumeMounts: [
              { name: 'starts', mountPath: '/starts' },
              { name: 'scratch', mountPath: '/scratch' },
            ],
            ...container,
          },
        ],
      },
    }
  }

  async add(count: number): Promise<void> {
    const names = Array.from({ length: count }, () => `pod-${this.#count++}`)
    this.wanted.push(...names)
    if (count) await this.server.apply(...names.map(name => this.pod(name)))
  }

  async remove(names: string[]): Promise<void> {
    if (!names.length) return
    await this.server.kubectl('delete', 'pods', '--wait=false', ...names)
    for (const name of names) this.wanted.splice(this.wanted.indexOf(name), 1)
  }

  async pods(): Promise<any[]> {
    return (await this.server.get('pods', '-l', 'app=churn')).items
  }

  /** All that should run is Ready, and nothing else is there. @returns the pods */
  settled(timeoutMs = 60_000): Promise<any[]> {
    return until(
      'just the wanted pods, all Ready',
      async () => {
        const pods = await this.pods()
        const not = pods.filter(pod => !isReady(pod)).map(pod => pod.metadata.name)
        const lost = this.wanted.filter(name => !pods.some(pod => pod.metadata.name === name))
        if (not.length || lost.length || pods.length !== this.wanted.length)
          throw new Error(
            `${pods.length} of ${this.wanted.length} pods; not ready: ${not}; lost: ${lost}; ` +
              `the first that is not ready: ${JSON.stringify(pods.find(pod => !isReady(pod)))}; ` +
              `the agent said ${this.node.saidBy('agent')}`,
          )
        return pods
      },
      { timeoutMs, everyMs: 300 },
    )
  }

  /** How often containers of the pod have started. */
  async startsOf(uid: string): Promise<number> {
    return (await this.written(uid)).length / 2
  }

  /** Makes an empty file that pods find at `/starts/NAME`. */
  touch(name: string): Promise<void> {
    return writeFile(join(this.#starts, name), '')
  }

  /** What pods wrote into `/starts/NAME`. */
  written(name: string): Promise<string> {
    return readFile(join(this.#starts, name), 'utf8').catch(() => '')
  }

  /** Containers that the node's runc knows, sandboxes among them. */
  containers(): Promise<string[]> {
    return readdir(`${stateFolderOf(this.node.dataDir)}/runc/k8s.io`)
  }

  /** Things left behind on the node, by kind, and `all` of them. */
  async leftBehind({ fix = false } = {}): Promise<Record<string, number>> {
    const args = ['--data-dir', this.node.dataDir, ...(fix ? ['--fix'] : [])]
    const { out } = await this.node.optiflowRun('node', 'doctor', ...args)
    const lines = out.matchAll(/^([\w -]+?) {2,}(\d+)$/gm)
    return Object.fromEntries([...lines].map(([, kind, count]) => [kind!, Number(count)]))
  }

  /** What everybody said, all agents that were killed too, for who looks into a failure. @returns the folder, which stays */
  async keepLogs(seed: number): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), `optiflow-node-killed-${seed}-`))
    const agents = this.#agents.map((agent, i) => `--- agent ${i + 1}\n${agent.out()}${agent.err()}`)
    await writeFile(join(folder, 'agents.log'), agents.join(''))
    await writeFile(join(folder, 'server.log'), this.server.saidBy('up'))
    await copyFile(join(this.node.dataDir, 'containerd/containerd.log'), join(folder, 'containerd.log')).catch(() => {})
    const pods = await this.pods().catch(error => `${error}`)
    await writeFile(join(folder, 'pods.json'), JSON.stringify(pods, undefined, 2))
    return folder
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
    await this.#registry.stop()
    await this.#lan[Symbol.asyncDispose]()
  }
}

/** What a node went through, and what came of it. */
export interface ChurnResult {
  kills: number
  pods: number
  /** `POD: what is wrong`, for each pod that was restarted, lost or doubled. */
  wrong: string[]
  /** Pods whose first container was being started when the agent was killed: containerd took it back, and another ran. */
  cutShort: number
  /** By kind, once all pods are gone. */
  leftBehind: Record<string, number>
}

/**
 * Pods come and go while the agent is killed at random moments, its start included, and containerd at every fifth of them.
 */
export async function killOften(
  churn: NodeChurn,
  { kills, pods, random }: { kills: number; pods: number; random: Random },
): Promise<ChurnResult> {
  await churn.add(pods)
  await churn.settled(120_000)
  const runs = new Map<string, FirstRun>()
  const kept = Math.floor(pods / 3)
  const turnover = Math.max(2, Math.floor(pods / 8))
  for (let kill = 1; kill <= kills; kill++) {
    const leaving = churn.wanted.slice(kept).filter(() => random.next() < 0.5)
    await Promise.all([churn.remove(leaving.slice(0, turnover)), churn.add(Math.min(leaving.length, turnover))])
    await new Promise(resolve => setTimeout(resolve, random.next() * 2_500))
    await noteFirstRuns(churn, runs)
    if (kill % 5 === 0) await churn.killContainerd()
    else {
      await churn.killAgent()
      churn.startAgent()
    }
    // Now and then it gets the time to finish something.
    if (kill % 7 === 0) await churn.settled(120_000)
  }
  const settled = await churn.settled(120_000)
  await noteFirstRuns(churn, runs)
  const wrong: string[] = []
  for (const pod of settled) {
    const { name, uid } = pod.metadata
    const { restartCount, containerID, lastState } = pod.status.containerStatuses[0]
    const first = runs.get(uid)!
    const starts = await churn.startsOf(uid)
    if (restartCount || starts !== first.starts || containerID !== first.container)
      wrong.push(`${name}: ran as ${JSON.stringify(first)}, now ${starts} starts, ${JSON.stringify(lastState)}`)
  }
  // What containerd lost sight of is ended by the node soon.
  const wantedCount = 2 * settled.length
  await until(
    'just the containers of the pods',
    async () => {
      const { length } = await churn.containers()
      if (length !== wantedCount)
        throw new Error(`${length}, not ${wantedCount}; the doctor finds ${JSON.stringify(await churn.leftBehind())}`)
      return true
    },
    { timeoutMs: 180_000, everyMs: 10_000 },
  )
  await churn.remove([...churn.wanted])
  await churn.settled()
  const cutShort = [...runs.values()].filter(run => run.starts > 1).length
  // The node looks for processes of containers that are no more once a minute, twice ten seconds apart.
  const leftBehind = await until(
    'the node to have taken out what ran on',
    async () => {
      const left = await churn.leftBehind()
      return left['shims'] || left['runc states'] ? undefined : left
    },
    { timeoutMs: 180_000, everyMs: 5_000 },
  ).catch(() => churn.leftBehind())
  return { kills, pods, wrong, cutShort, leftBehind }
}

/** How a pod was when the API first said that it runs. */
interface FirstRun {
  container: string
  starts: number
}

async function noteFirstRuns(churn: NodeChurn, runs: Map<string, FirstRun>): Promise<void> {
  for (const { metadata, status } of await churn.pods()) {
    const { state, containerID } = status?.containerStatuses?.[0] ?? {}
    if (!state?.running || runs.has(metadata.uid)) continue
    runs.set(metadata.uid, { container: containerID, starts: await churn.startsOf(metadata.uid) })
  }
}
