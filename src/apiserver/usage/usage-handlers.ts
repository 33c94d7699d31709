import { timestamp, timeText } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { formatQuantity, quantityOf } from '../../base/quantity.ts'
import { ApiError, notFoundError } from '../../models/api-error.ts'
import { formatGoDuration } from '../../models/go-duration.ts'
import { Node, NodeMetrics, Pod, PodMetrics } from '../../models/kinds/index.ts'
import type { ObjectMeta } from '../../models/types/meta-v1.ts'
import type { ComputedVerbs, Core, ResourceCall } from '../core.ts'
import { nodeAddress } from '../nodes/find-node.ts'
import { formOfMany, objectReply } from '../replies/object-form.ts'
import { objectSelector } from '../selectors/object-selector.ts'
import { encodeObject } from '../storage/object-bytes.ts'
import { listReply } from '../verbs/list-page.ts'
import { KeptObject } from '../watch-cache/kept-object.ts'
import type { NodeUsages } from './node-usages.ts'
import type { NodeUsage, Usage } from './usage-between.ts'

/** So many agents are asked at once, so that a large cluster costs no thousand connections. */
const atOnce = 64

/** metrics.k8s.io: made of what the agents say when somebody asks. Without `usages` nobody can be asked. */
export function usageHandlers(usages: NodeUsages | undefined): [string, ComputedVerbs][] {
  return [
    [`${NodeMetrics.group}/${NodeMetrics.plural}`, verbsOf(Node, usages, object => object.name, nodeMetrics)],
    [`${PodMetrics.group}/${PodMetrics.plural}`, verbsOf(Pod, usages, nodeOfPod, podMetrics)],
  ]
}

type Metrics = NodeMetrics | PodMetrics

/**
 * @param about the kind whose objects use something
 * @param nodeOf the node to ask about an object; '' if there is none
 * @param metrics undefined if the agent says nothing of the object
 */
function verbsOf(
  about: typeof Node | typeof Pod,
  usages: NodeUsages | undefined,
  nodeOf: (object: KeptObject) => string,
  metrics: (object: KeptObject, usage: NodeUsage, now: string) => Metrics | undefined,
): ComputedVerbs {
  const made = (core: Core, object: KeptObject, usage: NodeUsage): KeptObject[] => {
    const value = metrics(object, usage, timestamp(core.clock))
    return value ? [new KeptObject(object.key, object.namespace, object.name, 0, encodeObject(value))] : []
  }
  return {
    async get(call) {
      const { core, path, resource } = call
      const object = core.cache.get(core.resources.of(about), path.namespace, path.name!)
      const node = object && nodeOf(object)
      if (!node) throw notFoundError(resource.kind, path.name!)
      const usage = await askOne(call, usages, node)
      const [one] = made(core, object, usage)
      if (!one) throw notFoundError(resource.kind, path.name!)
      return objectReply(call, resource, 200, one)
    },
    async list(call) {
      const { core } = call
      const form = formOfMany(call, call.resource)
      const source = core.resources.of(about)
      const { matches } = objectSelector(source, call.info.query)
      const namespace = source.namespaced ? call.path.namespace : undefined
      const all = core.cache.bucket(source).list(namespace)
      const wanted = matches ? all.filter(matches) : all
      const known = await askAll(call, usages, new Set(wanted.map(nodeOf)))
      const objects = wanted.flatMap(object => {
        const usage = known.get(nodeOf(object))
        return usage ? made(core, object, usage) : []
      })
      return listReply(call, form, { objects, revision: core.cache.revision })
    },
  }
}

const nodeOfPod = (pod: KeptObject) => pod.facts(Pod).fields?.['spec.nodeName'] ?? ''

/** @throws ApiError ServiceUnavailable */
async function askOne({ core }: ResourceCall, usages: NodeUsages | undefined, node: string): Promise<NodeUsage> {
  if (!usages) throw new ApiError('ServiceUnavailable', `this server has no way to ask the agent of node ${node}`)
  const address = nodeAddress(core, node)
  try {
    return await usages.of(address)
  } catch (cause) {
    throw new ApiError(
      'ServiceUnavailable',
      `the agent of node ${node} at ${address.host}:${address.port} says nothing of usage: ${explain(cause)}`,
      { cause },
    )
  }
}

/** Nodes that do not answer are missing. */
async function askAll(
  call: ResourceCall,
  usages: NodeUsages | undefined,
  nodes: Set<string>,
): Promise<Map<string, NodeUsage>> {
  const known = new Map<string, NodeUsage>()
  nodes.delete('')
  const names = nodes.values()
  const askSome = async () => {
    for (const name of names) {
      const usage = await askOne(call, usages, name).catch(error => {
        call.core.log.debug({ node: name, error: explain(error) }, 'usage not known')
      })
      if (usage) known.set(name, usage)
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, nodes.size) }, askSome))
  return known
}

function nodeMetrics(node: KeptObject, usage: NodeUsage, now: string): NodeMetrics {
  return {
    kind: NodeMetrics.kind,
    apiVersion: `${NodeMetrics.group}/${NodeMetrics.version}`,
    metadata: metadataOf(node, Node, now),
    ...windowOf(usage),
    usage: quantities(usage.node),
  }
}

function podMetrics(pod: KeptObject, usage: NodeUsage, now: string): PodMetrics | undefined {
  const containers = usage.pods.get(`${pod.namespace}/${pod.name}`)
  if (!containers) return undefined
  return {
    kind: PodMetrics.kind,
    apiVersion: `${PodMetrics.group}/${PodMetrics.version}`,
    metadata: metadataOf(pod, Pod, now),
    ...windowOf(usage),
    containers: containers.map(c => ({ name: c.name, usage: quantities(c.usage) })),
  }
}

/** Without uid and resourceVersion: what is not stored has neither. */
function metadataOf(object: KeptObject, kind: typeof Node | typeof Pod, now: string): ObjectMeta {
  const { labels } = object.facts(kind)
  const { name, namespace } = object
  const named = { name, ...(namespace ? { namespace } : {}), creationTimestamp: now, ...(labels ? { labels } : {}) }
  return named as ObjectMeta
}

const windowOf = ({ atMs, windowMs }: NodeUsage) => ({
  timestamp: timeText(atMs),
  window: formatGoDuration(Math.round(windowMs)),
})

const quantities = ({ nanoCores, memoryBytes }: Usage) => ({
  cpu: formatQuantity({ nano: BigInt(nanoCores), format: 'DecimalSI' }),
  memory: quantityOf(memoryBytes, 'BinarySI'),
})
