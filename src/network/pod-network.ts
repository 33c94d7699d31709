import { join } from 'node:path'
import { type Clock, every } from '../base/clock.ts'
import type { Commands } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'
import { explain } from '../base/errors.ts'
import type { InformerSet } from '../client/index.ts'
import { Node } from '../models/kinds/index.ts'
import { cniConflist } from './cni-config.ts'
import { type NodePreparation, prepareNode, runTool } from './node-preparation.ts'
import { removePortMaps } from './port-maps.ts'
import { planRoutes, type Route } from './routes.ts'

export interface PodNetworkOptions extends NodePreparation {
  /** All pods of all nodes: traffic that leaves it gets the node's address. */
  clusterCidr: string
  informers: InformerSet
  clock: Clock
  /** Where the runtime looks for CNI configurations. */
  cniConfFolder: string
  ipamFolder: string
  bridge?: string
}

export interface PodNetwork extends AsyncDisposable {
  /** Resolves with this node's pod network once pods can be started in it. @throws NetworkFailed */
  ready(signal: AbortSignal): Promise<{ podCidr: string }>
}

export const podBridge = 'optiflow0'
export const podTable = 'optiflow-pods'
const auditMs = 10_000
export const routeProtocol = '142'

/**
 * The built-in pod network of one node: CNI configuration for the pod CIDR that the control plane gave it, routes to
 * the other nodes' pods (all nodes on one LAN), masquerade for what leaves the cluster. Disposing leaves all in place;
 * `removePodNetwork` takes it out.
 */
export function createPodNetwork(options: PodNetworkOptions): PodNetwork {
  const { commands, disk, clock, log } = options
  const bridge = options.bridge ?? podBridge
  const nodes = options.informers.for(Node)
  const stop = new AbortController()
  let known: Route[] = []
  let running: Promise<void> = Promise.resolve()

  const changed = () => {
    if (stop.signal.aborted) return
    running = running
      .then(syncRoutes)
      .catch(error => log.warn({ error: explain(error) }, 'routes to other nodes not written, will try again'))
  }

  async function syncRoutes(): Promise<void> {
    if (stop.signal.aborted || !nodes.synced) return
    const wanted = planRoutes(nodes.list(), options.nodeName)
    const same = (a: Route, b: Route) => a.podCidr === b.podCidr && a.via === b.via
    const done: Route[] = []
    for (const route of wanted) {
      if (known.some(k => same(k, route))) {
        done.push(route)
        continue
      }
      const { code, stderr } = await commands.run(
        'ip',
        ['route', 'replace', route.podCidr, 'via', route.via, 'proto', routeProtocol],
        { allowFailure: true },
      )
      if (code === 0) done.push(route)
      else log.warn({ ...route, error: stderr.trim() }, "no route to another node's pods; are the nodes on one LAN?")
    }
    for (const route of known)
      if (!wanted.some(w => w.podCidr === route.podCidr))
        await commands.run('ip', ['route', 'del', route.podCidr, 'proto', routeProtocol], { allowFailure: true })
    known = done
  }

  async function setUp(podCidr: string): Promise<void> {
    await prepareNode(options)
    await runTool(options, 'nft', ['-f', '-'], masqueradeScript(options.clusterCidr))
    await disk.write(
      join(options.cniConfFolder, '10-optiflow.conflist'),
      cniConflist({ bridge, podCidr, ipamFolder: options.ipamFolder }),
    )
  }

  async function audit(): Promise<void> {
    const { code } = await commands.run('nft', ['list', 'table', 'ip', podTable], { allowFailure: true })
    if (code !== 0) await runTool(options, 'nft', ['-f', '-'], masqueradeScript(options.clusterCidr))
    known = []
    changed()
  }

  const unsubscribe = nodes.subscribe({ added: changed, updated: changed, deleted: changed })

  return {
    async ready(signal) {
      await nodes.ready(signal)
      const podCidr = await podCidrOf(options, signal)
      await setUp(podCidr)
      changed()
      await running
      every(
        clock,
        auditMs,
        () => audit().catch(error => log.warn({ error: explain(error) }, 'cannot look at the pod network')),
        stop.signal,
      )
      return { podCidr }
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      unsubscribe()
      await running
    },
  }
}

/** Waits until the control plane has given the node its pod network. */
function podCidrOf(options: PodNetworkOptions, signal: AbortSignal): Promise<string> {
  const nodes = options.informers.for(Node)
  return new Promise((resolve, reject) => {
    const look = (node: Node | undefined) => {
      const cidr = node?.metadata.name === options.nodeName ? node.spec.podCIDR : undefined
      if (!cidr) return
      end()
      resolve(cidr)
    }
    let end = () => {}
    const unsubscribe = nodes.subscribe({ added: look, updated: look })
    const onAbort = () => {
      end()
      reject(signal.reason)
    }
    end = () => {
      unsubscribe()
      signal.removeEventListener('abort', onAbort)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    look(nodes.get({ name: options.nodeName }))
  })
}

function masqueradeScript(clusterCidr: string): string {
  return `add table ip ${podTable}
delete table ip ${podTable}
table ip ${podTable} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${clusterCidr} ip daddr != ${clusterCidr} ip daddr != 224.0.0.0/4 masquerade fully-random
  }
}
`
}

/** Takes out bridge, rules, routes, DNS address and CNI configuration; what is not there is fine. */
export async function removePodNetwork(
  commands: Commands,
  disk: Disk,
  where: { cniConfFolder: string; ipamFolder: string; dnsIp: string; bridge?: string },
): Promise<void> {
  const quiet = { allowFailure: true }
  await commands.run('nft', ['-f', '-'], { stdin: `add table ip ${podTable}\ndelete table ip ${podTable}\n`, ...quiet })
  await removePortMaps(commands)
  await commands.run('ip', ['link', 'del', where.bridge ?? podBridge], quiet)
  await commands.run('ip', ['route', 'flush', 'proto', routeProtocol], quiet)
  await commands.run('ip', ['addr', 'del', `${where.dnsIp}/32`, 'dev', 'lo'], quiet)
  await disk.remove(join(where.cniConfFolder, '10-optiflow.conflist'))
  await disk.remove(where.ipamFolder)
}
