import { createHash } from 'node:crypto'
import { OptiFlowError } from '../../base/errors.ts'
import type { FieldError } from '../../models/field-error.ts'
import { Pod } from '../../models/kinds/core/pod.ts'
import { applySchemaDefaults, validateStructure } from '../../models/schema/index.ts'
import { parseYaml } from '../../models/yaml.ts'
import { annotations } from './annotations.ts'

/** A file of the folder is not a pod that a node can run by itself. */
export class BadManifest extends OptiFlowError {}

/**
 * The pod that a file of the node's own folder defines, named after the node so that each node can have one.
 * Its uid follows from the file's path and what it says: another text is another pod.
 * @throws BadManifest
 */
export function staticPod(path: string, text: string, nodeName: string, nowMs: number): Pod {
  const pod = read(path, text)
  const { name } = pod.metadata
  if (!name) throw new BadManifest(`${path}: metadata.name: Required value`)
  const uid = createHash('sha256')
    .update(JSON.stringify([nodeName, path, pod]))
    .digest('hex')
    .slice(0, 32)
  pod.metadata = {
    ...pod.metadata,
    name: `${name}-${nodeName.toLowerCase()}`,
    namespace: pod.metadata.namespace || 'default',
    uid,
    creationTimestamp: new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
    annotations: {
      ...pod.metadata.annotations,
      [annotations.hash]: uid,
      [annotations.seen]: new Date(nowMs).toISOString(),
      [annotations.source]: 'file',
    },
  }
  pod.spec.nodeName = nodeName
  // Such a pod stays, whatever happens to its node.
  pod.spec.tolerations = [{ operator: 'Exists', effect: 'NoExecute' }, ...(pod.spec.tolerations ?? [])]
  applySchemaDefaults(Pod.schema, pod)
  Pod.defaults?.(pod)
  pod.status = { phase: 'Pending' }
  const [problem] = [...validateStructure(Pod.schema, pod), ...(Pod.validate?.(pod) ?? []), ...foreignReferences(pod)]
  if (problem) throw new BadManifest(`${path}: ${problem.field}: ${problem.message}`)
  return pod
}

function read(path: string, text: string): Pod {
  let pod: Pod | undefined
  try {
    pod = parseYaml(text).value as Pod
  } catch (cause) {
    throw new BadManifest(`${path} cannot be read`, { cause })
  }
  if (pod?.apiVersion !== 'v1' || pod.kind !== 'Pod')
    throw new BadManifest(`${path} holds ${pod?.apiVersion}/${pod?.kind}, not one v1/Pod`)
  return { ...pod, metadata: { ...pod.metadata }, spec: { ...pod.spec } }
}

/** The node runs it before there is a server to ask for anything. */
function foreignReferences({ spec }: Pod): FieldError[] {
  const forbidden = (field: string): FieldError => ({
    field,
    reason: 'FieldValueForbidden',
    message: 'Forbidden: a static pod may not refer to objects of the API; use hostPath, emptyDir and plain values',
  })
  const out: FieldError[] = []
  if (spec.serviceAccountName) out.push(forbidden('spec.serviceAccountName'))
  spec.volumes?.forEach((volume, i) => {
    const { configMap, secret, persistentVolumeClaim, ephemeral, projected } = volume
    const projects = projected?.sources?.some(s => s.configMap || s.secret || s.serviceAccountToken)
    if (configMap || secret || persistentVolumeClaim || ephemeral || projects) out.push(forbidden(`spec.volumes[${i}]`))
  })
  for (const [list, containers] of Object.entries({ containers: spec.containers, initContainers: spec.initContainers }))
    containers?.forEach((container, i) => {
      if (container.envFrom?.length) out.push(forbidden(`spec.${list}[${i}].envFrom`))
      container.env?.forEach(({ valueFrom }, j) => {
        if (valueFrom?.configMapKeyRef || valueFrom?.secretKeyRef) out.push(forbidden(`spec.${list}[${i}].env[${j}]`))
      })
    })
  return out
}
