import { type AddressQuestion, addressQuestionPath } from '../../models/address-question.ts'
import { localVolumesPath } from '../../models/local-volume.ts'
import { nodeNetworkPath } from '../../models/node-network.ts'
import { cadvisorMetrics } from './cadvisor-metrics.ts'
import { checkpoint } from './checkpoints.ts'
import { healthMetrics } from './health-metrics.ts'
import { answerImages, imagePath } from './image-answers.ts'
import { queriedLogs, readLogQuery } from './log-query.ts'
import { nodeMetrics } from './node-metrics.ts'
import { decoded, findPod, loggedContainer, logOptions, Refused } from './pod-access.ts'
import { probeMetrics } from './probe-metrics.ts'
import { resourceMetrics } from './resource-metrics.ts'
import { runningPods } from './running-pods.ts'
import type { ServedNode } from './served-node.ts'
import { type Remembered, summary } from './summary.ts'
import { systemLog } from './system-logs.ts'

/** A question whose sender may ask it. */
export interface Asked {
  query: URLSearchParams
  /** The node asked about, and what is remembered of it between two questions. */
  node: ServedNode
  remembered: Remembered
  /** All nodes that this server stands for. */
  nodes: Iterable<ServedNode>
  /** Aborts when the client is gone. */
  signal: AbortSignal
  /** What came with it, read as JSON. @throws Refused */
  body(): Promise<unknown>
}

export interface Answer {
  headers: Record<string, string>
  body?: string | AsyncIterable<Uint8Array> | undefined
}

interface Route {
  method: string
  /** What it catches is handed on, decoded. */
  path: RegExp
  answer(asked: Asked, ...caught: string[]): Answer | Promise<Answer>
}

const text = (body: string | AsyncIterable<Uint8Array>, type = 'text/plain'): Answer => ({
  headers: { 'content-type': type },
  body,
})
const json = (value: unknown): Answer => text(JSON.stringify(value), 'application/json')
const metrics = (body: string): Answer => text(body, 'text/plain; version=0.0.4')

/** Kubelet's paths, and a few of ours; streams have their own. */
const routes: readonly Route[] = [
  get('/healthz(?:/.*)?', () => text('ok')),
  get('/pods', ({ node }) => json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: node.pods() })),
  get('/runningpods/', async ({ node }) => json(await runningPods(node))),
  get('/stats/summary', async ({ node, remembered, query }) =>
    json(await summary(node, remembered, query.getAll('only_cpu_and_memory').join() === 'true')),
  ),
  get('/metrics', async ({ node, remembered }) => metrics(await nodeMetrics(node, remembered.volumes))),
  get('/metrics/resource', async ({ node }) => metrics(await resourceMetrics(node))),
  get('/metrics/cadvisor', async ({ node }) => metrics(await cadvisorMetrics(node))),
  get('/metrics/probes', ({ node }) => metrics(probeMetrics(node.probes.all))),
  get('/metrics/slis', ({ node }) => metrics(healthMetrics(node))),
  get('/configz', ({ node }) => json({ kubeletconfig: node.configuration() })),
  get('/logs/(.*)', async ({ node: { disk, commands }, query }, path) => {
    if (!disk) throw new Refused(404, 'a simulated node has no machine, and no logs of one')
    const asked = readLogQuery(query)
    if (asked && path) throw new Refused(406, 'path not allowed in query mode')
    if (asked?.services.length) return text(queriedLogs({ disk, commands }, asked), 'text/plain; charset=utf-8')
    const log = await systemLog(disk, asked?.file ?? path!)
    return 'page' in log ? text(log.page, 'text/html; charset=utf-8') : text(log.bytes, 'text/plain; charset=utf-8')
  }),
  get('/containerLogs/([^/]+)/([^/]+)/([^/]+)', ({ nodes, query, signal }, namespace, name, container) => {
    const { node, pod } = findPod(nodes, namespace!, name!)
    const { id } = loggedContainer(node, pod, container!, /^(true|1)$/.test(query.get('previous') ?? ''))
    return text(node.runtime.logs(id, logOptions(query, node.clock.now()), signal))
  }),
  get(`${imagePath}(.*)`, ({ node, query, signal }, path) =>
    answerImages(node.images, { path: path!, ns: query.get('ns') ?? undefined, signal }),
  ),
  get(nodeNetworkPath, async ({ node: { network, nodeName } }) => {
    if (!network) throw new Refused(404, `node ${nodeName} has no network of its own: it is simulated`)
    return json(await network.whole())
  }),
  {
    ...{ method: 'POST', path: exactly(addressQuestionPath) },
    async answer({ node, body }) {
      if (!node.checkAddress) throw new Refused(404, `node ${node.nodeName} is simulated and reaches nobody`)
      return json(await node.checkAddress((await body()) as AddressQuestion))
    },
  },
  {
    ...{ method: 'POST', path: exactly('/checkpoint/([^/]+)/([^/]+)/([^/]+)') },
    async answer({ nodes, query }, namespace, name, container) {
      const { node, pod } = findPod(nodes, namespace!, name!)
      return json({ items: [await checkpoint(node, pod, container!, query.getAll('timeout').at(-1) ?? null)] })
    },
  },
  {
    ...{ method: 'DELETE', path: exactly(`${localVolumesPath}/([^/]+)`) },
    async answer({ node }, name) {
      await node.removeLocalVolume(name!)
      return json({})
    },
  },
]

function get(path: string, answer: Route['answer']): Route {
  return { method: 'GET', path: exactly(path), answer }
}

function exactly(path: string): RegExp {
  return new RegExp(`^${path}$`)
}

/**
 * @param method HEAD is answered as GET
 * @param path without the query
 * @throws Refused when nothing is there, or not to be had this way
 */
export function answerTo(method: string, path: string, asked: () => Asked): Answer | Promise<Answer> {
  const there = routes.filter(route => route.path.test(path))
  const route = there.find(route => route.method === (method === 'HEAD' ? 'GET' : method))
  if (!route) throw there.length ? new Refused(405, 'Method Not Allowed') : new Refused(404, '404 page not found')
  return route.answer(asked(), ...route.path.exec(path)!.slice(1).map(decoded))
}
