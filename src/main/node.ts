import { Disposal } from '../base/disposal.ts'
import { explain, isAbort } from '../base/errors.ts'
import { createInformers } from '../client/index.ts'
import { shareFolder } from '../runtime/index.ts'
import { nodePlaces } from './doctor/node-doctor.ts'
import { keepClean } from './doctor/upkeep.ts'
import { startNodeAgent } from './node-agent.ts'
import { NodeNetworkPart } from './node-network-part.ts'
import { notedNode } from './node-note.ts'
import type { NodeOptions } from './node-options.ts'
import { kubeletFolderOf } from './node-places.ts'
import { startNodeRuntime } from './node-runtime.ts'

export interface RunningNode extends AsyncDisposable {
  /** Resolves when pods get addresses and Services answer. @throws NetworkFailed, ProxyFailed, DnsUnavailable */
  networkReady: Promise<void>
}

/** One node with real containers: containerd, agent, pod network, service proxy, DNS. Resolves when the agent works. */
export async function startNode(given: NodeOptions): Promise<RunningNode> {
  const options = { ...given, outside: { ...given.outside, log: given.outside.log.child({ part: 'node' }) } }
  const { settings, client, outside, report } = options
  const stack = new Disposal()
  const stop = new AbortController()
  try {
    const { runtime, containerd } = await startNodeRuntime({ settings, outside, report }, stack)
    const informers = stack.use(createInformers({ ...outside, client }))
    const network = new NodeNetworkPart({ ...options, informers, signal: stop.signal })
    await shareKubeletFolder(options)
    await startNodeAgent(options, { runtime, containerd, informers, network: network.reader }, stack)
    if (containerd) void keepClean(nodePlaces(await notedNode(outside.disk, settings)), outside, stop.signal)
    const networkReady = network.start(stack)
    networkReady.catch(error => {
      if (!isAbort(error)) outside.log.error({ error: explain(error) }, 'the pod network is not ready')
    })
    return {
      networkReady,
      async [Symbol.asyncDispose]() {
        stop.abort()
        await networkReady.catch(() => {})
        await stack[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    stop.abort()
    await stack[Symbol.asyncDispose]()
    throw error
  }
}

/** What drivers mount there must be seen in the containers of others. */
async function shareKubeletFolder({ settings, outside: { disk, commands, log } }: NodeOptions): Promise<void> {
  const folder = kubeletFolderOf(settings)
  await shareFolder(disk, commands, folder).catch(error =>
    log.warn({ folder, error: explain(error) }, 'CSI drivers that run in pods cannot mount'),
  )
}
