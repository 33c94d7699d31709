import { systemCommands } from '../../base/commands.ts'
import { systemDisk } from '../../base/disk.ts'
import { silentLogger } from '../../base/logger.ts'
import { systemNet } from '../../base/net.ts'
import { seededRandom } from '../../base/random.ts'
import { settle, VirtualClock } from '../../base/virtual-clock.ts'
import { Event } from '../../models/kinds/core/event.ts'
import { Pod } from '../../models/kinds/core/pod.ts'
import type { Container, PodSpec } from '../../models/types/core-v1.ts'
import { openSimulated, type SimulatedRuntime } from '../../runtime/index.ts'
import { type Agent, createAgent } from '../agent.ts'
import type { AgentOptions } from '../options.ts'
import { FakeApi } from './fake-api.ts'

/** One simulated node under a clock that the test moves. */
export class Fixture implements AsyncDisposable {
  readonly clock = new VirtualClock()
  readonly api = new FakeApi(this.clock)
  readonly runtime: SimulatedRuntime
  agent: Agent
  readonly #more: Partial<AgentOptions>

  constructor(more: Partial<AgentOptions> = {}) {
    const random = seededRandom(1)
    this.runtime = openSimulated({ clock: this.clock, random, log: silentLogger })
    this.#more = more
    this.agent = this.#createAgent()
  }

  #createAgent(): Agent {
    return createAgent({
      nodeName: 'node-1',
      client: this.api.client,
      runtime: this.runtime,
      clock: this.clock,
      random: seededRandom(2),
      disk: systemDisk,
      net: systemNet,
      commands: systemCommands,
      log: silentLogger,
      folder: '/nowhere',
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      simulated: {},
      ...this.#more,
    })
  }

  async start(): Promise<this> {
    await Promise.all([this.agent.start(), this.advance(300)])
    return this
  }

  /** The agent dies and another takes its place; the runtime goes on. */
  async restartAgent(): Promise<void> {
    await this.agent.stop()
    this.agent = this.#createAgent()
    await this.start()
  }

  /** Moves time in small steps, so that what one step causes is seen by the next. */
  async advance(ms: number): Promise<void> {
    await settle(8)
    for (let left = ms; left > 0; left -= 1_000) await this.clock.advance(Math.min(left, 1_000))
    await settle(8)
  }

  /** Creates a pod bound to the node and lets it come up. */
  async run(name: string, spec: Partial<PodSpec> = {}, annotations: Record<string, string> = {}): Promise<Pod> {
    await this.api.client.create<Pod>(Pod, podDraft(name, spec, annotations))
    await this.advance(200)
    return this.pod(name)!
  }

  pod(name: string): Pod | undefined {
    return this.api.find(Pod, { namespace: 'default', name })
  }

  /** `Reason: message` of every event, in order. */
  events(): string[] {
    return this.api.all(Event).map(e => `${e.reason}: ${e.message}`)
  }

  async observed(name: string) {
    return (await this.runtime.observe()).find(pod => pod.name === name)
  }

  async [Symbol.asyncDispose]() {
    await this.agent.stop()
    await this.runtime[Symbol.asyncDispose]()
  }
}

export function podDraft(name: string, spec: Partial<PodSpec> = {}, annotations: Record<string, string> = {}) {
  const simulated = Object.entries(annotations).map(([key, value]) => [`simulated.optiflow.dev/${key}`, value])
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      labels: { app: name },
      annotations: Object.fromEntries(simulated),
    },
    spec: {
      nodeName: 'node-1',
      restartPolicy: 'Always' as const,
      terminationGracePeriodSeconds: 30,
      containers: [container('web')],
      ...spec,
    } as PodSpec,
  }
}

export function container(name: string, more: Partial<Container> = {}): Container {
  return { name, image: 'registry/web:1', imagePullPolicy: 'IfNotPresent', ...more }
}
