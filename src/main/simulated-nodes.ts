import { type AgentServer, createAgent, createPulse, createReferencedObjects, sharedPods } from '../agent/index.ts'
import { Disposal } from '../base/disposal.ts'
import { type Client, createEventRecorder, createInformers } from '../client/index.ts'
import { Node, Pod } from '../models/kinds/index.ts'
import { openSimulated, type SimulatedRuntime } from '../runtime/index.ts'
import type { OutsideWorld } from './outside.ts'

export interface SimulatedNodesOptions {
  client: Client
  outside: OutsideWorld
  names: string[]
  /** Absolute; nothing is written there. */
  folder: string
  /** Address that all of them have. */
  nodeIp: string
  server?: AgentServer
  capacity?: Record<string, string>
}

export interface SimulatedNodes extends AsyncDisposable {
  runtimes: ReadonlyMap<string, SimulatedRuntime>
}

/** Many nodes in one process that share one watch of everything. Resolves when all are registered. */
export async function startSimulatedNodes(options: SimulatedNodesOptions): Promise<SimulatedNodes> {
  const { client, outside, names } = options
  const { clock, random } = outside
  const log = outside.log.child({ part: 'node' })
  const stack = new Disposal()
  const informers = stack.use(createInformers({ client, clock, random, log }))
  const pods = sharedPods(informers.for(Pod))
  const nodes = informers.for(Node)
  const objects = stack.use(createReferencedObjects({ client, clock, log, random } as any))
  const events = createEventRecorder({ client, clock, random, log, component: 'kubelet' })
  const pulse = createPulse(clock)
  const runtimes = new Map<string, SimulatedRuntime>()
  const agents = names.map(nodeName => {
    const runtime = stack.use(
      openSimulated({ clock, random, log, podCidrs: () => nodes.get({ name: nodeName })?.spec.podCIDRs ?? [] }),
    )
    runtimes.set(nodeName, runtime)
    const agent = createAgent({
      ...outside,
      log,
      nodeName,
      client,
      runtime,
      folder: options.folder,
      addresses: [
        { type: 'InternalIP', address: options.nodeIp },
        { type: 'Hostname', address: nodeName },
      ],
      simulated: options.capacity ? { capacity: options.capacity } : {},
      informers,
      pods,
      objects,
      events,
      pulse,
      ...(options.server ? { server: options.server } : {}),
    })
    stack.defer(() => agent.stop())
    return agent
  })
  await Promise.all(agents.map(agent => agent.start()))
  await Promise.all(agents.map(agent => agent.registered))
  return { runtimes, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
}
