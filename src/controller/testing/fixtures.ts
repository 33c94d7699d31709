import type { Deployment, ReplicaSet } from '../../models/types/apps-v1.ts'
import type { Pod, PodTemplateSpec } from '../../models/types/core-v1.ts'
import type { ObjectMeta } from '../../models/types/meta-v1.ts'

/** Objects for table tests: only what a test is about needs to be said. */

let serial = 0

export function meta(name: string, more: Partial<ObjectMeta> = {}): ObjectMeta {
  serial++
  return {
    name,
    namespace: 'default',
    uid: `uid-${name}`,
    resourceVersion: String(serial),
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...more,
  }
}

export function template(image = 'app:1', labels: Record<string, string> = { app: 'web' }): PodTemplateSpec {
  return { metadata: { labels }, spec: { containers: [{ name: 'main', image }] } }
}

export function deployment(spec: Partial<Deployment['spec']> = {}, more: Partial<Deployment> = {}): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: meta('web', { generation: 1 }),
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: template(),
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      ...spec,
    },
    ...more,
  }
}

export interface SetShape {
  name: string
  replicas: number
  available?: number
  image?: string
  annotations?: Record<string, string>
  created?: string
}

export function replicaSet({ name, replicas, available, image, annotations, created }: SetShape): ReplicaSet {
  const running = available ?? replicas
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: meta(name, {
      generation: 1,
      ...(annotations ? { annotations } : {}),
      ...(created ? { creationTimestamp: created } : {}),
    }),
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template: template(image) },
    status: { replicas, readyReplicas: running, availableReplicas: running, observedGeneration: 1 },
  }
}

export interface PodShape {
  name: string
  node?: string
  phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'
  /** Since when it is ready; absent: not ready. */
  readySince?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  restarts?: number
  created?: string
}

export function pod(shape: PodShape): Pod {
  const { name, node, phase = 'Running', readySince, labels = { app: 'web' }, annotations, restarts = 0 } = shape
  const ready = readySince !== undefined
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: meta(name, {
      labels,
      ...(annotations ? { annotations } : {}),
      ...(shape.created ? { creationTimestamp: shape.created } : {}),
    }),
    spec: { containers: [{ name: 'main', image: 'app:1' }], ...(node ? { nodeName: node } : {}) },
    status: {
      phase,
      conditions: ready ? [{ type: 'Ready', status: 'True', lastTransitionTime: readySince }] : [],
      containerStatuses: [{ name: 'main', image: 'app:1', imageID: '', ready, restartCount: restarts }],
    },
  }
}
