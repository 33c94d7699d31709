import { canonicalJson } from '../base/equality.ts'
import { controllerRef } from '../client/owner.ts'
import { canaryOfName, canaryWeightAnnotation } from '../models/canary-traffic.ts'
import type { Draft, KubeObject } from '../models/object.ts'
import type { Deployment } from '../models/types/apps-v1.ts'
import type { HorizontalPodAutoscaler, MetricSpec } from '../models/types/autoscaling-v2.ts'
import type {
  Container,
  PersistentVolumeClaim,
  PodTemplateSpec,
  Probe,
  Service,
  Volume,
} from '../models/types/core-v1.ts'
import type { Ingress } from '../models/types/networking-v1.ts'
import type { Workload, WorkloadHealthCheck, WorkloadPort, WorkloadVolume } from '../models/types/optiflow-v1.ts'
import { fnv32a, safeEncode } from './template-hash.ts'
import { configAnnotation } from './workload-config.ts'

/** What a Workload is made of: a Deployment, if it has ports a Service, if it has a host an Ingress, all of its own name. */

const canaryTrack = { 'optiflow.dev/track': 'canary' }

export const workloadLabel = 'optiflow.dev/workload'
/** Says from which draft an object was made, so that fields taken out of the Workload are taken out there too. */
export const draftAnnotation = 'optiflow.dev/draft'

export function workloadSelector(workload: Workload): Record<string, string> {
  return { [workloadLabel]: workload.metadata.name }
}

export function labelsOf(workload: Workload): Record<string, string> {
  return {
    'app.kubernetes.io/name': workload.metadata.name,
    'app.kubernetes.io/managed-by': 'optiflow',
    ...workload.metadata.labels,
    ...workload.spec.labels,
    ...workloadSelector(workload),
  }
}

/** The same Deployment with pods of an earlier form, and, beside a canary, fewer of them. */
export function withTemplate(
  { metadata, spec }: Draft<Deployment>,
  template: PodTemplateSpec,
  replicas = spec.replicas!,
): Draft<Deployment> {
  return stamped({ metadata, spec: { ...spec, template, replicas } })
}

/** Of the Deployment that runs the new pods of a canary, and of the Service that says which part of the requests they get. */
export function canaryName(workload: Workload): string {
  return canaryOfName(workload.metadata.name)
}

/** New pods beside the old ones: the Service sends them their share of the requests. */
export function canaryOf(
  workload: Workload,
  { metadata, spec }: Draft<Deployment>,
  replicas: number,
): Draft<Deployment> {
  const { template } = spec
  return stamped({
    metadata: { ...metadata, name: canaryName(workload), labels: { ...metadata.labels, ...canaryTrack } },
    spec: {
      ...spec,
      replicas,
      selector: { matchLabels: { ...spec.selector.matchLabels, ...canaryTrack } },
      template: {
        ...template,
        metadata: { ...template.metadata, labels: { ...template.metadata?.labels, ...canaryTrack } },
      },
    },
  })
}

/** What every part of a Workload says of itself; it has the Workload's name unless another is given. */
export function partMetadata(workload: Workload, name = workload.metadata.name): Draft<KubeObject>['metadata'] {
  const { namespace } = workload.metadata
  return { name, namespace: namespace!, labels: labelsOf(workload), ownerReferences: [controllerRef(workload)] }
}

export function stamped<D extends Draft<any>>(draft: D): D {
  const hash = safeEncode(String(fnv32a(canonicalJson([draft.metadata.labels, draft.spec]))))
  draft.metadata.annotations = { ...draft.metadata.annotations, [draftAnnotation]: hash }
  return draft
}

/** @param config state of what its pods read, if they are to be replaced when that changes */
export function deploymentOf(workload: Workload, config?: string): Draft<Deployment> {
  const { spec } = workload
  const { strategy = 'RollingUpdate', maxSurge, maxUnavailable, readyWithinSeconds } = spec.update ?? {}
  const rollingUpdate = {
    ...(maxSurge === undefined ? {} : { maxSurge }),
    ...(maxUnavailable === undefined ? {} : { maxUnavailable }),
  }
  return stamped({
    metadata: partMetadata(workload),
    spec: {
      replicas: spec.replicas ?? 1,
      selector: { matchLabels: workloadSelector(workload) },
      ...(readyWithinSeconds === undefined ? {} : { progressDeadlineSeconds: readyWithinSeconds }),
      strategy:
        strategy === 'Recreate'
          ? { type: 'Recreate' }
          : { type: 'RollingUpdate', ...(Object.keys(rollingUpdate).length ? { rollingUpdate } : {}) },
      template: templateOf(workload, config),
    },
  })
}

/** Its pods. @param config as of deploymentOf */
export function templateOf(workload: Workload, config?: string): PodTemplateSpec {
  const { spec, metadata } = workload
  const volumes = (spec.volumes ?? []).map(volume => volumeOf(metadata.name, volume))
  return {
    metadata: { labels: labelsOf(workload), ...(config ? { annotations: { [configAnnotation]: config } } : {}) },
    spec: {
      containers: [containerOf(workload)],
      ...(volumes.length ? { volumes } : {}),
      ...(spec.nodeSelector ? { nodeSelector: spec.nodeSelector } : {}),
      ...(spec.serviceAccountName ? { serviceAccountName: spec.serviceAccountName } : {}),
      ...(spec.terminationGracePeriodSeconds === undefined
        ? {}
        : { terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds }),
    },
  }
}

function containerOf({ spec, metadata }: Workload): Container {
  const mounts = (spec.volumes ?? []).map(v => ({
    name: v.name,
    mountPath: v.mountPath,
    ...(v.readOnly ? { readOnly: true } : {}),
  }))
  const ports = (spec.ports ?? []).filter(p => typeof (p.targetPort ?? p.port) === 'number')
  return {
    // Named after the Workload, which is what people see in logs and events; a container's name is a shorter kind of name.
    name: metadata.name.replaceAll('.', '-').slice(0, 63).replace(/-+$/, ''),
    image: spec.image,
    ...(spec.imagePullPolicy ? { imagePullPolicy: spec.imagePullPolicy } : {}),
    ...(spec.command?.length ? { command: spec.command } : {}),
    ...(spec.args?.length ? { args: spec.args } : {}),
    ...(spec.env?.length ? { env: spec.env } : {}),
    ...(spec.envFrom?.length ? { envFrom: spec.envFrom } : {}),
    ...(ports.length ? { ports: ports.map(containerPort) } : {}),
    ...(spec.resources ? { resources: spec.resources } : {}),
    ...(mounts.length ? { volumeMounts: mounts } : {}),
    ...probesOf(spec.healthCheck, spec.ports?.[0]),
    ...drainOf(spec),
  }
}

/** How long a pod that is to end still answers: the nodes need a moment to stop sending it requests. */
const drainSeconds = 2

/** Whoever takes requests ends a little later than asked, if the time allowed for its end leaves room for that. */
function drainOf({ ports, terminationGracePeriodSeconds = 30 }: Workload['spec']): Pick<Container, 'lifecycle'> {
  if (!ports?.length || terminationGracePeriodSeconds < 2 * drainSeconds) return {}
  return { lifecycle: { preStop: { sleep: { seconds: drainSeconds } } } }
}

function containerPort(port: WorkloadPort) {
  return {
    ...(port.name ? { name: port.name } : {}),
    containerPort: Number(port.targetPort ?? port.port),
    protocol: port.protocol ?? ('TCP' as const),
  }
}

const claimName = (workload: string, volume: string) => `${workload}-${volume}`

/**
 * Claims of the volumes with a size. The Workload does not own them: what an app has written must not go because somebody deleted
 * what runs it.
 */
export function claimsOf(workload: Workload): Draft<PersistentVolumeClaim>[] {
  const { name, namespace } = workload.metadata
  return (workload.spec.volumes ?? [])
    .filter(volume => volume.size !== undefined)
    .map(volume => ({
      metadata: { name: claimName(name, volume.name), namespace: namespace!, labels: labelsOf(workload) },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: volume.size! } },
        ...(volume.storageClassName === undefined ? {} : { storageClassName: volume.storageClassName }),
      },
    }))
}

function volumeOf(
  workload: string,
  { name, claim, configMap, emptyDir, hostPath, secret, size }: WorkloadVolume,
): Volume {
  if (size !== undefined) return { name, persistentVolumeClaim: { claimName: claimName(workload, name) } }
  if (claim) return { name, persistentVolumeClaim: claim }
  if (configMap) return { name, configMap }
  if (hostPath) return { name, hostPath }
  if (secret) return { name, secret }
  return { name, emptyDir: emptyDir ?? {} }
}

/** One health check decides when a pod gets traffic, when it is restarted and, with `startupSeconds`, how long it may take to start. */
function probesOf(
  check: WorkloadHealthCheck | undefined,
  port: WorkloadPort | undefined,
): Pick<Container, 'readinessProbe' | 'livenessProbe' | 'startupProbe'> {
  if (!check) return {}
  const first = port?.targetPort ?? port?.port ?? 80
  const action: Probe = check.exec
    ? { exec: { command: check.exec.command } }
    : check.tcp
      ? { tcpSocket: { port: check.tcp.port ?? first } }
      : { httpGet: { path: check.http?.path ?? '/', port: check.http?.port ?? first } }
  const periodSeconds = check.intervalSeconds ?? 10
  const probe = { ...action, periodSeconds, timeoutSeconds: check.timeoutSeconds ?? 1 }
  const failureThreshold = check.failureThreshold ?? 3
  return {
    readinessProbe: { ...probe, failureThreshold },
    livenessProbe: { ...probe, failureThreshold },
    ...(check.startupSeconds
      ? {
          startupProbe: { ...probe, failureThreshold: Math.max(Math.ceil(check.startupSeconds / periodSeconds), 1) },
        }
      : {}),
  }
}

export function serviceOf(workload: Workload): Draft<Service> | undefined {
  const { spec } = workload
  const ports = spec.ports ?? []
  if (!ports.length) return undefined
  const type = spec.expose?.type ?? (spec.expose?.nodePort ? 'NodePort' : 'ClusterIP')
  return stamped({
    metadata: partMetadata(workload),
    spec: {
      type,
      selector: workloadSelector(workload),
      ports: ports.map((port, i) => ({
        ...(port.name || ports.length > 1 ? { name: port.name ?? portName(port) } : {}),
        port: port.port,
        targetPort: port.targetPort ?? port.port,
        protocol: port.protocol ?? 'TCP',
        ...(i === 0 && type === 'NodePort' && spec.expose?.nodePort ? { nodePort: spec.expose.nodePort } : {}),
      })),
    },
  })
}

/** Finds the new pods of a canary alone: the gateway sends them just this part of the requests. @param percent 0 to 100 */
export function canaryServiceOf(workload: Workload, percent: number): Draft<Service> | undefined {
  const main = serviceOf(workload)
  if (!main) return undefined
  const { labels, ...metadata } = partMetadata(workload, canaryName(workload))
  return stamped<Draft<Service>>({
    metadata: {
      ...metadata,
      labels: { ...labels, ...canaryTrack },
      annotations: { [canaryWeightAnnotation]: String(percent) },
    },
    spec: {
      type: 'ClusterIP',
      selector: { ...workloadSelector(workload), ...canaryTrack },
      ports: main.spec.ports!.map(({ nodePort: _, ...port }) => port),
    },
  })
}

/** Leads the host name to the first port. */
export function ingressOf(workload: Workload): Draft<Ingress> | undefined {
  const { spec, metadata } = workload
  const host = spec.expose?.host
  const port = spec.ports?.find(p => (p.protocol ?? 'TCP') === 'TCP')
  if (!host || !port) return undefined
  const backend = { service: { name: metadata.name, port: { number: port.port } } }
  return stamped({
    metadata: partMetadata(workload),
    spec: { rules: [{ host, http: { paths: [{ path: '/', pathType: 'Prefix' as const, backend }] } }] },
  })
}

/** Sizes the Workload itself, which has a scale as a Deployment has. */
export function autoscalerOf(workload: Workload): Draft<HorizontalPodAutoscaler> | undefined {
  const { autoscale } = workload.spec
  if (!autoscale) return undefined
  const { minReplicas = 1, maxReplicas, memoryPercent } = autoscale
  const cpuPercent = autoscale.cpuPercent ?? (memoryPercent === undefined ? 80 : undefined)
  const metric = (name: string, averageUtilization: number | undefined): MetricSpec[] =>
    averageUtilization === undefined
      ? []
      : [{ type: 'Resource', resource: { name, target: { type: 'Utilization', averageUtilization } } }]
  const { apiVersion, kind, metadata } = workload
  return stamped({
    metadata: partMetadata(workload),
    spec: {
      scaleTargetRef: { apiVersion, kind, name: metadata.name },
      minReplicas,
      maxReplicas,
      metrics: [...metric('cpu', cpuPercent), ...metric('memory', memoryPercent)],
    },
  })
}

const portName = (port: WorkloadPort) => `${(port.protocol ?? 'TCP').toLowerCase()}-${port.port}`

/**
 * Whether an object already says all that the draft says. Fields that the draft does not mention, such as defaults and
 * allocated addresses, are the server's.
 */
export function saysAll(actual: unknown, draft: unknown): boolean {
  if (draft === undefined || draft === null) return true
  if (Array.isArray(draft))
    return Array.isArray(actual) && actual.length === draft.length && draft.every((v, i) => saysAll(actual[i], v))
  if (typeof draft !== 'object') return String(actual) === String(draft)
  if (typeof actual !== 'object' || actual === null) return !Object.keys(draft).length
  return Object.entries(draft).every(([key, value]) => saysAll((actual as Record<string, unknown>)[key], value))
}
