import { type Selector, selectorFrom } from '../../base/labels.ts'
import type { NftFamily } from '../../base/nft-table.ts'
import type { Namespace, NetworkPolicy, Pod } from '../../models/kinds/index.ts'
import type { NetworkPolicyPeer } from '../../models/types/networking-v1.ts'

/** A pod with an address of its own, as policies see it. */
export interface PolicyPod {
  ip: string
  namespace: string
  labels: Record<string, string>
  /** It runs on the node that the rules are for. */
  local: boolean
  /** Container ports by name: `tcp . 8080`. */
  ports: ReadonlyMap<string, { protocol: string; port: number }>
}

/** Those pods that have an address of this family in the pod network now. */
export function policyPods(pods: readonly Pod[], nodeName: string, family: NftFamily = 'ip'): PolicyPod[] {
  const mine = (ip: string | undefined) => ip && ip.includes(':') === (family === 'ip6')
  return pods.flatMap(pod => {
    const { spec, status, metadata } = pod
    const ip = [...(status?.podIPs ?? []).map(p => p.ip), status?.podIP].find(mine)
    const over = status?.phase === 'Succeeded' || status?.phase === 'Failed'
    if (spec.hostNetwork || over || !ip) return []
    return [
      {
        ip,
        namespace: metadata.namespace!,
        labels: metadata.labels ?? {},
        local: spec.nodeName === nodeName,
        ports: namedPorts(pod),
      },
    ]
  })
}

function namedPorts(pod: Pod): PolicyPod['ports'] {
  const sidecars = (pod.spec.initContainers ?? []).filter(c => c.restartPolicy === 'Always')
  const all = [...pod.spec.containers, ...sidecars].flatMap(c => c.ports ?? [])
  return new Map(
    all.flatMap(({ name, protocol, containerPort }) =>
      name ? [[name, { protocol: (protocol ?? 'TCP').toLowerCase(), port: containerPort }] as const] : [],
    ),
  )
}

/** Finds the pods that selectors mean. Answers of one plan are remembered. */
export class PodFinder {
  readonly #byNamespace = new Map<string, PolicyPod[]>()
  readonly #namespaces: readonly Namespace[]
  readonly #found = new Map<string, PolicyPod[]>()

  constructor(pods: readonly PolicyPod[], namespaces: readonly Namespace[]) {
    this.#namespaces = namespaces
    for (const pod of pods) {
      const list = this.#byNamespace.get(pod.namespace)
      if (list) list.push(pod)
      else this.#byNamespace.set(pod.namespace, [pod])
    }
  }

  /** The pods that a policy is about. */
  selected(policy: NetworkPolicy): PolicyPod[] {
    const selector = selectorFrom(policy.spec.podSelector ?? {})
    return this.#in([policy.metadata.namespace!], selector)
  }

  /** The pods of a peer that is no address block, as seen from the namespace of its policy. */
  peers(peer: NetworkPolicyPeer, namespace: string): PolicyPod[] {
    const key = JSON.stringify([peer.namespaceSelector ?? namespace, peer.podSelector ?? null])
    let found = this.#found.get(key)
    if (!found) {
      const namespaces = peer.namespaceSelector ? this.#named(selectorFrom(peer.namespaceSelector)) : [namespace]
      found = this.#in(namespaces, selectorFrom(peer.podSelector ?? {}))
      this.#found.set(key, found)
    }
    return found
  }

  all(): PolicyPod[] {
    return [...this.#byNamespace.values()].flat()
  }

  #named(selector: Selector): string[] {
    return this.#namespaces.filter(n => selector.matches(n.metadata.labels ?? {})).map(n => n.metadata.name)
  }

  #in(namespaces: string[], selector: Selector): PolicyPod[] {
    return namespaces.flatMap(name => (this.#byNamespace.get(name) ?? []).filter(pod => selector.matches(pod.labels)))
  }
}
