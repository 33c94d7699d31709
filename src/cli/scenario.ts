import type { Disk } from '../base/disk.ts'
import { fromAlibaba, parseTable, podOfLine, workloadTemplate } from '../main/simulation.ts'
import { isAlreadyExists } from '../models/api-error.ts'
import { Node } from '../models/kinds/index.ts'
import type { AnyObject } from '../models/object.ts'
import type { Node as NodeObject, Pod, PodTemplateSpec } from '../models/types/core-v1.ts'
import type { ObjectMeta } from '../models/types/meta-v1.ts'
import type { Remote } from './connection.ts'
import { UsageError } from './failure.ts'

/** Pods of the file's objects: pods themselves, and those that controllers would make of a template. */
export function podsOf(object: AnyObject, namespace: string): Pod[] {
  const inside = { ...object.metadata, namespace: object.metadata.namespace ?? namespace }
  if (object.kind === 'Pod') return [fromAlibaba({ ...object, metadata: inside } as unknown as Pod)]
  const spec = object['spec'] ?? {}
  const template = templateOf(object)
  const podSpec = template?.spec
  if (!podSpec)
    throw new UsageError(`${object.kind}/${inside.name} makes no pods that could be simulated`, {
      hint: 'Name pods, Workloads, or objects with a pod template such as a Deployment, StatefulSet or Job.',
    })
  const count = spec.replicas ?? spec.parallelism ?? 1
  return Array.from({ length: count }, (_, i) => {
    const metadata = { ...template.metadata, namespace: inside.namespace!, name: `${inside.name}-${i}` } as ObjectMeta
    return fromAlibaba({ apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec })
  })
}

function templateOf(object: AnyObject): PodTemplateSpec | undefined {
  const { kind, apiVersion, spec = {} } = object
  if (kind === 'Workload' && apiVersion.startsWith('optiflow.dev/')) return workloadTemplate(object as never)
  return kind === 'CronJob' ? spec.jobTemplate?.spec?.template : spec.template
}

/** The pod as the API would make it: with defaults, priority and whatever else admission adds. Nothing is kept. */
export async function admitted(pod: Pod, remote: Remote): Promise<Pod> {
  const { namespace, name } = pod.metadata
  const url = `/api/v1/namespaces/${namespace}/pods?dryRun=All`
  const made = await remote.json<Pod>('POST', url, { body: pod }).catch(cause => {
    if (!isAlreadyExists(cause)) throw cause
    throw new UsageError(`pod ${namespace}/${name} is in the cluster already`, {
      hint: 'Give it another name; those that wait in the cluster are placed without -f.',
    })
  })
  return { ...made, metadata: { ...made.metadata, uid: `simulated/${made.metadata.namespace}/${made.metadata.name}` } }
}

/** Pods of a recorded workload, in the order of its lines. */
export async function readReplay(path: string, disk: Disk): Promise<Pod[]> {
  const lines = parseTable(await disk.readText(path))
  if (lines[0]?.['cpu_milli'] === undefined)
    throw new UsageError(`${path} is no recorded workload`, {
      hint: 'Its first line names the columns: name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec.',
    })
  return lines.map(podOfLine)
}

/** `NODE×3` or `cpu=96,memory=384Gi×3`: so many nodes like that one, or with so much. `x` will do for `×`. */
export async function newNodes(text: string, remote: Remote): Promise<NodeObject[]> {
  const [, shape = text, count = '1'] = /^(.+?)[\u00d7x](\d+)$/.exec(text) ?? []
  const like = shape.includes('=') ? nodeWith(shape) : await remote.client.get(Node, { name: shape })
  return Array.from({ length: Number(count) }, (_, i) => {
    const name = `new-${shape.includes('=') ? 'node' : shape}-${i}`
    const labels = { ...like.metadata.labels, 'kubernetes.io/hostname': name }
    return { ...like, metadata: { name, uid: name, resourceVersion: '', labels } }
  })
}

function nodeWith(text: string): NodeObject {
  const allocatable: Record<string, string> = { pods: '110' }
  for (const part of text.split(',')) {
    const [resource, amount] = part.split('=')
    if (!resource || !amount)
      throw new UsageError(`"${part}" is no amount of a resource`, { hint: 'Write resource=amount, as in cpu=96.' })
    allocatable[resource] = amount
  }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: '', uid: '', resourceVersion: '' },
    spec: {},
    status: { allocatable },
  }
}
