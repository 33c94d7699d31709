import { cidrContains } from '../../base/ip.ts'
import type { NodeNetwork } from '../../models/node-network.ts'
import { type End, isOnHost } from './connection.ts'

/** What a node's agent told of its network, or why nothing. */
export type NodeReport = NodeNetwork | { silent: string }

/** How packets get from one pod's node to that of another. */
export interface Way {
  /** Undefined: it cannot be seen from here. */
  open: boolean | undefined
  text: string
  act?: string
}

/**
 * Whether the kernels of both nodes know the way, there and back. Pure.
 * @param reports by name of node
 */
export function explainWay(from: End, to: End, reports: ReadonlyMap<string, NodeReport>): Way {
  const [here, there] = [from, to].map(end => end.pod?.spec.nodeName)
  if (!here || !there)
    return {
      open: true,
      text: `${here || there ? 'one end' : 'neither end'} is in the cluster: the way outside is not ours`,
    }
  if (!to.ip || !from.ip) return { open: undefined, text: 'an end without an address has no way to it' }
  if (here === there) return { open: true, text: `both on ${here}` }
  const out = oneWay(here, from, to, reports)
  if (out.open !== true) return out
  const back = oneWay(there, to, from, reports)
  return back.open === true ? { open: true, text: `${out.text}; back: ${back.text}` } : back
}

function oneWay(node: string, from: End, to: End, reports: ReadonlyMap<string, NodeReport>): Way {
  if (isOnHost(to)) return { open: true, text: `${node} → ${to.ip}, the address of a node` }
  const report = reports.get(node)
  if (!report || 'silent' in report)
    return {
      open: undefined,
      text: `what ${node} knows of the way is not known: ${report?.silent ?? 'it was not asked'}`,
    }
  if (!report.paths) return { open: undefined, text: `the CNI plugin of ${node} has the way to ${to.ip}` }
  const path = report.paths.find(({ podCidr }) => cidrContains(podCidr, to.ip!))
  if (!path)
    return {
      open: false,
      text: `${node}, where ${from.name} is, has no route to ${to.ip}`,
      act: `Look for "routes to other nodes" in the log of the agent on ${node}, and whether its node and that of ${to.name} have an InternalIP and a podCIDR.`,
    }
  const through = path.tunnel ? `through the tunnel ${path.tunnel}` : `by way of ${path.via}`
  return { open: true, text: `${node} → ${path.podCidr} ${through}` }
}
