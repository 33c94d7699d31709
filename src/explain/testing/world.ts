import { parseSelector } from '../../base/labels.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Asking } from '../asking.ts'
import { explainObject } from '../explain.ts'

export const nowMs = Date.UTC(2025, 0, 1, 12)

/** A cluster that is a list of objects. @param hidden plural names that may not be read */
export function world(objects: readonly AnyObject[], hidden: readonly string[] = []): Asking {
  const met = new Set<string>()
  const mayRead = (plural: string) => {
    if (hidden.includes(plural)) met.add(plural)
    return !hidden.includes(plural)
  }
  return {
    nowMs,
    hidden: met,
    async get(kind, { namespace, name }) {
      if (!mayRead(kind.plural)) return 'hidden'
      const found = objects.find(
        o => o.kind === kind.kind && o.metadata.name === name && o.metadata.namespace === namespace,
      )
      return (found as any) ?? 'missing'
    },
    async list(kind, { namespace, labelSelector, fieldSelector } = {}) {
      if (!mayRead(kind.plural)) return []
      const selector = parseSelector(labelSelector ?? '')
      const uid = /involvedObject\.uid=([^,]+)/.exec(fieldSelector ?? '')?.[1]
      return objects.filter(
        o =>
          o.kind === kind.kind &&
          (!namespace || o.metadata.namespace === namespace) &&
          selector.matches(o.metadata.labels) &&
          (!uid || o['involvedObject'].uid === uid),
      ) as any[]
    },
  }
}

/** One object of a namespace `default`, as the server would have it. */
export function an(kind: string, name: string, rest: object = {}, apiVersion = apiVersionOf[kind] ?? 'v1'): AnyObject {
  const { metadata, ...parts } = rest as { metadata?: object }
  const namespace = clusterWide.has(kind) ? {} : { namespace: 'default' }
  return {
    apiVersion,
    kind,
    metadata: { name, resourceVersion: '1', ...namespace, uid: `uid-${name}`, ...metadata },
    ...parts,
  }
}

/** What is said, a line each: its mark, its text, and after an arrow what to do. */
export async function told(object: AnyObject, others: readonly AnyObject[] = [], hidden: readonly string[] = []) {
  const { summary, findings } = await explainObject(object, world(others, hidden))
  return [summary, ...findings.map(({ mark, text, next }) => `${mark}: ${text}${next ? ` → ${next}` : ''}`)]
}

const clusterWide = new Set(['Node', 'Namespace', 'PersistentVolume', 'StorageClass', 'CSIDriver', 'IngressClass'])
const apiVersionOf: Record<string, string> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
  PodDisruptionBudget: 'policy/v1',
  Ingress: 'networking.k8s.io/v1',
  Workload: 'optiflow.dev/v1',
}
