import { pause } from '../../support/statistics.ts'
import type { Json, Side } from '../side.ts'
import type { Told } from '../told.ts'
import type { RunningScheduler, Scores } from './schedulers.ts'
import { bindVolumes } from './volume-controller.ts'

export interface Outcome {
  node?: string
  nominated?: string
  /** Its claims with their volumes, where it has a node. */
  volumes: string[]
  /** Pods that are asked to end for it, `namespace/name`. */
  victims: string[]
  told: Told
}

const patienceMs = 15_000
/** What comes of a decision beside its pod's status has been written by then. */
const quietMs = 60
const pollMs = 4

export const podsPath = ({ metadata }: Json) => `/api/v1/namespaces/${metadata.namespace}/pods`
export const podPath = (pod: Json) => `${podsPath(pod)}/${pod.metadata.name}`

export interface Asked {
  pod: Json
  /** Pods that were asked to end before. */
  known: ReadonlySet<string>
  /** Its victims are gone: a condition is no answer any more. */
  wantsNode: boolean
}

/** @throws Error when nothing is decided in time */
export async function outcomeOf(
  { pod, known, wantsNode }: Asked,
  side: Side,
  scheduler: RunningScheduler,
): Promise<Outcome> {
  const path = podPath(pod)
  const decided = await until(`${side.name}: a decision about ${pod.metadata.name}`, async () => {
    if (pod.spec.volumes) await bindVolumes(side)
    const now = await side.json('GET', path)
    if (now.spec.nodeName || (!wantsNode && scheduledCondition(now)?.status === 'False')) return now
  })
  const events = await until(`${side.name}: an event about ${pod.metadata.name}`, async () => {
    const found = await eventsOf(decided, side)
    if (found.some(e => e.reason === (decided.spec.nodeName ? 'Scheduled' : 'FailedScheduling'))) return found
  })
  if (decided.status.nominatedNodeName ?? scheduledCondition(decided)?.message?.includes('preemption'))
    await pause(quietMs)
  const seen = decided.spec.nodeName ? decided : await side.json('GET', path)
  const all: Json[] = (await side.json('GET', '/api/v1/pods')).items
  const ended = all.filter(
    p => p.status.conditions?.some((c: Json) => c.type === 'DisruptionTarget') && !known.has(keyOf(p)),
  )
  const node: string | undefined = seen.spec.nodeName
  // Whoever has made room on a node is placed there, whatever the others score.
  const scores =
    node && !wantsNode
      ? await until(`${side.name}: scores of ${pod.metadata.name}`, async () =>
          scheduler.scoresOf(pod.metadata.namespace, pod.metadata.name),
        )
      : undefined
  const totals = Object.fromEntries(
    Object.entries(scores ?? {}).map(([name, parts]) => [name, Object.values(parts).reduce((a, b) => a + b, 0)]),
  )
  const victims = []
  for (const victim of ended) {
    const told = (await eventsOf(victim, side)).filter(e => e.reason === 'Preempted')
    victims.push({
      name: keyOf(victim),
      ends: victim.metadata.deletionGracePeriodSeconds,
      condition: timeless(victim.status.conditions.find((c: Json) => c.type === 'DisruptionTarget')),
      events: told,
    })
  }
  victims.sort((a, b) => (a.name < b.name ? -1 : 1))
  const volumes = node ? await volumesOf(pod, side) : []
  const nominated: string | undefined = seen.status.nominatedNodeName
  return {
    ...(node ? { node } : {}),
    ...(nominated ? { nominated } : {}),
    volumes,
    victims: victims.map(v => v.name),
    told: {
      status: 200,
      headers: {},
      body: {
        bound: Boolean(node),
        conditions: (seen.status.conditions ?? []).map(timeless),
        nominated,
        scores: deciding(scores),
        best: !node || Object.values(totals).every(total => total <= totals[node]!),
        events: events.map(({ message, ...e }) => ({ ...e, message: own(message, seen, node) })),
        victims,
        // Which suit depends on the node, which chance may have chosen.
        volumes: Object.keys(scores ?? {}).length > 1 ? undefined : volumes,
      },
    },
  }
}

/** Without what a plugin gives to all nodes alike: some leave that out. */
function deciding(scores: Scores | undefined): Scores | undefined {
  if (!scores) return
  const nodes = Object.values(scores)
  const plugins = [...new Set(nodes.flatMap(parts => Object.keys(parts)))].filter(
    plugin => new Set(nodes.map(parts => parts[plugin])).size > 1,
  )
  return Object.fromEntries(
    Object.entries(scores).map(([node, parts]) => [
      node,
      Object.fromEntries(plugins.map(plugin => [plugin, parts[plugin] ?? 0])),
    ]),
  )
}

async function volumesOf({ metadata, spec }: Json, side: Side): Promise<string[]> {
  const found: string[] = []
  for (const { persistentVolumeClaim } of spec.volumes ?? []) {
    const path = `/api/v1/namespaces/${metadata.namespace}/persistentvolumeclaims/${persistentVolumeClaim.claimName}`
    found.push(`${persistentVolumeClaim.claimName}: ${(await side.json('GET', path)).spec.volumeName}`)
  }
  return found
}

const keyOf = ({ metadata: { namespace, name } }: Json): string => `${namespace}/${name}`
const scheduledCondition = (pod: Json) => pod.status.conditions?.find((c: Json) => c.type === 'PodScheduled')
const timeless = ({ lastTransitionTime: _, lastProbeTime: __, ...rest }: Json) => rest

/** Without the hint that only we give, and without a node that chance may have chosen. */
function own(message: string, pod: Json, node: string | undefined): string {
  const said: string | undefined = scheduledCondition(pod)?.message
  if (said && message.startsWith(`${said} Smallest change: `)) return said
  return node ? message.replace(new RegExp(`to ${node}$`), 'to <node>') : message
}

async function eventsOf({ metadata: { uid, namespace } }: Json, side: Side): Promise<Json[]> {
  const path = `/api/v1/namespaces/${namespace}/events?fieldSelector=involvedObject.uid%3D${uid}`
  const { items } = await side.json('GET', path)
  // How often, and in which of two fields its author stands, is the form of the older API that we record by.
  return items.map(({ reason, message, type, action, reportingComponent }: Json) => ({
    ...{ reason, type, action, reportingComponent },
    message: message.replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, '<uid>'),
  }))
}

export async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const began = performance.now()
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() - began > patienceMs) throw new Error(`${what}: not in ${patienceMs / 1000} s`)
    await pause(pollMs)
  }
}
