type Labels = Record<string, string> | undefined

/** Labels of Kubernetes' own domains that a node may say of itself. */
const ownLabels = new Set([
  'kubernetes.io/hostname',
  'kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/os',
  'beta.kubernetes.io/arch',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'node.kubernetes.io/instance-type',
  'beta.kubernetes.io/instance-type',
])
const ownDomains = ['kubelet.kubernetes.io', 'node.kubernetes.io']

/** The keys, in order, whose values differ. */
export function changedLabels(next: Labels, before: Labels): string[] {
  const keys = new Set([...Object.keys(next ?? {}), ...Object.keys(before ?? {})])
  return [...keys].filter(key => next?.[key] !== before?.[key]).sort()
}

/** A node must not draw workloads to itself that are meant for others. */
export function isForbiddenToNode(label: string): boolean {
  const domain = label.includes('/') ? label.slice(0, label.indexOf('/')) : ''
  const below = (parent: string) => domain === parent || domain.endsWith(`.${parent}`)
  if (below('node-restriction.kubernetes.io')) return true
  const reserved = below('kubernetes.io') || below('k8s.io')
  return reserved && !ownLabels.has(label) && !ownDomains.some(below)
}
