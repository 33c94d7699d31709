import { isNotFound } from '../models/api-error.ts'
import type { Pod } from '../models/kinds/index.ts'
import type { AnyObject } from '../models/object.ts'
import type { Remote } from './connection.ts'
import { UsageError } from './failure.ts'
import { labelSelectorText } from './label-selector-text.ts'
import { discover, findResource, pathOf } from './resource-names.ts'

/** An object that stands for pods, as it was read. */
export interface Selecting {
  kind: string
  spec?: any
  status?: any
}

/** The pods of `deploy/web`, `svc/web`, `pod/web-1`, or of `web-1`, which names a pod. @throws UsageError if there are none */
export async function podsOf(remote: Remote, target: string): Promise<Pod[]> {
  const { pods } = await selectedBy(remote, target)
  return pods
}

/** The pod to talk to: the one named, else the first that is ready. */
export async function onePodOf(remote: Remote, target: string): Promise<{ pod: Pod; through: Selecting }> {
  const { pods, object } = await selectedBy(remote, target)
  const [pod] = [...pods].sort((a, b) => rank(a) - rank(b))
  return { pod: pod!, through: object }
}

async function selectedBy(remote: Remote, target: string): Promise<{ pods: Pod[]; object: Selecting }> {
  const { pods, object } = await readWithPods(remote, target)
  if (!pods) throw new UsageError(`${target} does not select pods`)
  if (pods.length) return { pods, object }
  const failure = object['status']?.conditions?.find(
    (c: { type: string; status: string }) => c.type === 'ReplicaFailure' && c.status === 'True',
  )
  const why = object['status']?.message ?? failure?.message
  throw new UsageError(`${target} has no pods${why ? `: ${why}` : ' yet'}`, { hint: `See "optiflow why ${target}".` })
}

/** What `deploy/web` names, or `web-1`, a pod; and its pods, none of them perhaps, if it is of a kind that has pods. */
export async function readWithPods(remote: Remote, target: string): Promise<{ pods?: Pod[]; object: AnyObject }> {
  const [type, name] = target.includes('/') ? (target.split('/') as [string, string]) : ['pod', target]
  const resource = findResource(await discover(remote), type)
  const object = await remote.json<AnyObject>('GET', pathOf(resource, remote.namespace, name)).catch(async error => {
    if (isNotFound(error) && type === 'pod') await suggestWorkload(remote, name)
    throw error
  })
  if (resource.plural === 'pods' && resource.group === '') return { pods: [object as unknown as Pod], object }
  const selector = othersPods.has(object.kind) ? '' : selectorOf(object)
  if (!selector) return { object }
  const { items } = await remote.json<{ items: Pod[] }>(
    'GET',
    `/api/v1/namespaces/${remote.namespace}/pods?labelSelector=${encodeURIComponent(selector)}`,
  )
  return { pods: items, object }
}

/** People name their app, and mean its pods. @throws UsageError if there is a Workload of that name */
async function suggestWorkload(remote: Remote, name: string): Promise<void> {
  const url = `/apis/optiflow.dev/v1/namespaces/${remote.namespace}/workloads/${encodeURIComponent(name)}`
  const workload = await remote.json('GET', url).catch(() => undefined)
  if (workload) throw new UsageError(`there is no pod "${name}"`, { hint: `Did you mean workload/${name}?` })
}

/** Their selectors are of volumes, or of pods that are not theirs. */
const othersPods = new Set(['PersistentVolumeClaim', 'NetworkPolicy', 'PodDisruptionBudget'])

const selectorOf = ({ spec, status }: AnyObject): string =>
  typeof status?.selector === 'string' ? status.selector : labelSelectorText(spec?.selector)

/** Those that answer first, then those that at least run, then those that are not on their way out. */
function rank({ metadata, status }: Pod): number {
  if (metadata.deletionTimestamp) return 3
  if (status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True')) return 0
  return status?.phase === 'Running' ? 1 : 2
}
