import { quantityToFloat } from '../../base/quantity.ts'
import type { Pod, ResourceFieldSelector } from '../../models/types/core-v1.ts'
import { ContainerConfigInvalid } from './config-invalid.ts'

/** What a pod may be told about itself and its node. */
export interface PodFacts {
  pod: Pod
  podIps: string[]
  hostIps: string[]
  /** Limits of the node, for containers without their own. */
  allocatable: Record<string, string>
}

/** The text of a field: `metadata.labels['app']`, `status.podIP`. @throws ContainerConfigInvalid for a field it may not see */
export function fieldValue({ pod, podIps, hostIps }: PodFacts, path: string): string {
  const subscript = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(path)
  if (subscript) {
    const map = pod.metadata[subscript[1] as 'labels' | 'annotations'] ?? {}
    return Object.hasOwn(map, subscript[2]!) ? map[subscript[2]!]! : ''
  }
  switch (path) {
    case 'metadata.name':
      return pod.metadata.name
    case 'metadata.namespace':
      return pod.metadata.namespace!
    case 'metadata.uid':
      return pod.metadata.uid!
    case 'metadata.labels':
      return mapText(pod.metadata.labels)
    case 'metadata.annotations':
      return mapText(pod.metadata.annotations)
    case 'spec.nodeName':
      return pod.spec.nodeName ?? ''
    case 'spec.serviceAccountName':
      return pod.spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return hostIps[0] ?? ''
    case 'status.hostIPs':
      return hostIps.join(',')
    case 'status.podIP':
      return podIps[0] ?? ''
    case 'status.podIPs':
      return podIps.join(',')
    default:
      throw new ContainerConfigInvalid(`unsupported fieldPath: ${path}`)
  }
}

/** One `key="value"` a line, by key, as downward API files hold them. */
function mapText(map: Record<string, string> | undefined): string {
  return Object.keys(map ?? {})
    .sort()
    .map(key => `${key}=${JSON.stringify(map![key])}`)
    .join('\n')
}

/**
 * A request or limit divided by the divisor and rounded up. A limit that is not set is the node's.
 * @throws ContainerConfigInvalid for an unknown container or resource
 */
export function resourceValue({ pod, allocatable }: PodFacts, from: ResourceFieldSelector, container: string): string {
  const name = from.containerName || container
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? []), ...(pod.spec.ephemeralContainers ?? [])]
  const found = all.find(c => c.name === name)
  if (!found) throw new ContainerConfigInvalid(`container ${name} not found`)
  const [list, resource] = splitOnce(from.resource, '.')
  if ((list !== 'limits' && list !== 'requests') || !resource)
    throw new ContainerConfigInvalid(`unsupported container resource : ${from.resource}`)
  const quantity =
    found.resources?.[list]?.[resource] ??
    (list === 'requests' ? found.resources?.limits?.[resource] : undefined) ??
    (list === 'limits' ? allocatable[resource] : undefined) ??
    '0'
  const divisor = quantityToFloat(from.divisor || '1') || 1
  // Binary fractions would make 100m / 1m a little more than 100.
  return String(Math.ceil(Number((quantityToFloat(quantity) / divisor).toFixed(6))))
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
