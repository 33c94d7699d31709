import { OptiFlowError } from '../../base/errors.ts'
import type { Transport } from '../../client/index.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { PodInfo } from '../pod-class.ts'
import type { NodeView } from '../snapshot.ts'
import type { ExtenderRules } from './extender-rules.ts'

/** Who refuses where an extender does, beside the names of plugins. */
export const extenderPlugin = 'Extender'

/** An extender did not answer, or not as it should. */
export class ExtenderFailed extends OptiFlowError {}

export interface Filtered {
  nodes: NodeView[]
  /** Reason by the name of each node that it refused. */
  failed: Record<string, string>
  /** The same, where taking pods away would not help. */
  unresolvable: Record<string, string>
}

/** Another program that has a say in where pods go, over HTTP, in the words of Kubernetes' extender/v1. */
export class Extender {
  readonly rules: ExtenderRules
  readonly #transport: Transport

  /** @param transport reaches the host of `urlPrefix`, and gives up after `timeoutMs` */
  constructor(rules: ExtenderRules, transport: Transport) {
    this.rules = rules
    this.#transport = transport
  }

  /** The pod requests something that it manages, or it manages all pods. */
  concerns({ spec }: Pod): boolean {
    const { managedResources } = this.rules
    if (!managedResources.length) return true
    return [...spec.containers, ...(spec.initContainers ?? [])].some(({ resources }) =>
      managedResources.some(name => resources?.requests?.[name] ?? resources?.limits?.[name]),
    )
  }

  async filter({ pod }: PodInfo, nodes: readonly NodeView[], signal: AbortSignal): Promise<Filtered> {
    const { filterVerb } = this.rules
    if (!filterVerb) return { nodes: [...nodes], failed: {}, unresolvable: {} }
    const reply = await this.#ask(filterVerb, { pod, ...this.#nodes(nodes) }, signal)
    if (reply.error) throw new ExtenderFailed(`extender ${this.rules.urlPrefix}: ${reply.error}`)
    const names: string[] = reply.nodenames ?? reply.nodes?.items?.map((n: any) => n.metadata.name) ?? []
    const kept = new Set(names)
    const failed = reply.failedNodes ?? {}
    const unresolvable = reply.failedAndUnresolvableNodes ?? {}
    return { nodes: nodes.filter(n => kept.has(n.name)), failed, unresolvable }
  }

  /** @returns what each node's score is raised by: 0 … 100 times the weight */
  async prioritize({ pod }: PodInfo, nodes: readonly NodeView[], signal: AbortSignal): Promise<Map<string, number>> {
    const { prioritizeVerb, weight } = this.rules
    if (!prioritizeVerb) return new Map()
    const reply = await this.#ask(prioritizeVerb, { pod, ...this.#nodes(nodes) }, signal)
    if (!Array.isArray(reply))
      throw new ExtenderFailed(`extender ${this.rules.urlPrefix} did not answer with a list of scores`)
    return new Map(reply.map(({ host, score }) => [host, Number(score) * 10 * weight]))
  }

  /** Whether these pods of the node may be ended for the pod. */
  async mayPreempt({ pod }: PodInfo, node: string, victims: readonly PodInfo[], signal: AbortSignal): Promise<boolean> {
    const { preemptVerb, nodeCacheCapable } = this.rules
    if (!preemptVerb) return true
    const inFull = { nodeNameToVictims: { [node]: { pods: victims.map(v => v.pod), numPDBViolations: 0 } } }
    const inShort = {
      nodeNameToMetaVictims: { [node]: { pods: victims.map(v => ({ uid: v.uid })), numPDBViolations: 0 } },
    }
    const reply = await this.#ask(preemptVerb, { pod, ...(nodeCacheCapable ? inShort : inFull) }, signal)
    return Object.hasOwn(reply.nodeNameToMetaVictims ?? {}, node)
  }

  async bind({ key, uid }: PodInfo, node: string, signal: AbortSignal): Promise<void> {
    const body = { podName: key.name, podNamespace: key.namespace, podUID: uid, node }
    const reply = await this.#ask(this.rules.bindVerb!, body, signal)
    if (reply?.error) throw new ExtenderFailed(`extender ${this.rules.urlPrefix} did not bind: ${reply.error}`)
  }

  close(): Promise<void> {
    return Promise.resolve(this.#transport[Symbol.asyncDispose]())
  }

  #nodes(nodes: readonly NodeView[]): object {
    return this.rules.nodeCacheCapable
      ? { nodenames: nodes.map(n => n.name) }
      : { nodes: { apiVersion: 'v1', kind: 'NodeList', metadata: {}, items: nodes.map(n => n.node) } }
  }

  async #ask(verb: string, body: object, signal: AbortSignal): Promise<any> {
    const { urlPrefix } = this.rules
    const url = `${new URL(urlPrefix).pathname.replace(/\/+$/, '')}/${verb}`
    const headers = { 'content-type': 'application/json' }
    try {
      const reply = await this.#transport.send({ method: 'POST', url, headers, body: JSON.stringify(body), signal })
      const text = Buffer.from(reply.body as Uint8Array).toString()
      if (reply.status !== 200) throw new ExtenderFailed(`HTTP status ${reply.status}: ${text.slice(0, 200)}`)
      return text.trim() ? JSON.parse(text) : {}
    } catch (cause) {
      throw new ExtenderFailed(`extender ${urlPrefix}/${verb} failed`, { cause })
    }
  }
}
