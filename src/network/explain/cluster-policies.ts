import type { CalicoObject } from '../calico/kinds/calico-kind.ts'
import type { CalicoPolicy, CalicoRule, RuleSide } from '../calico/kinds/policy-rules.ts'

type Selector = {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

interface Subject {
  namespaces?: Selector
  pods?: { namespaceSelector?: Selector; podSelector?: Selector }
  networks?: string[]
}

type Ports = { destinationPort?: { number?: number; range?: { start: number; end: number } } }

interface ClusterRule {
  action: 'Accept' | 'Deny' | 'Pass'
  from?: Subject[]
  to?: Subject[]
  protocols?: { tcp?: Ports; udp?: Ports; sctp?: Ports; destinationNamedPort?: string }[]
}

/** `ClusterNetworkPolicy` of policy.networking.k8s.io/v1alpha2, as far as it decides. */
export interface ClusterPolicySpec {
  tier: 'Admin' | 'Baseline'
  priority: number
  subject: Subject
  ingress?: ClusterRule[]
  egress?: ClusterRule[]
}

/** What Calico makes of a ClusterNetworkPolicy: a global policy of its own in the tier for administrators or for defaults. Pure. */
export function asCalicoPolicy({ metadata, spec }: CalicoObject<ClusterPolicySpec>): CalicoObject<CalicoPolicy> {
  const ingress = (spec.ingress ?? []).flatMap(rule => rulesOf(rule, rule.from ?? [], 'source'))
  const egress = (spec.egress ?? []).flatMap(rule => rulesOf(rule, rule.to ?? [], 'destination'))
  return {
    metadata,
    spec: {
      tier: spec.tier === 'Admin' ? 'kube-admin' : 'kube-baseline',
      order: spec.priority,
      ...sideOf(spec.subject),
      // A direction without rules is left alone: these tiers pass on what nothing decides.
      types: [...(ingress.length ? (['Ingress'] as const) : []), ...(egress.length ? (['Egress'] as const) : [])],
      ingress,
      egress,
    },
  }
}

const actions = { Accept: 'Allow', Deny: 'Deny', Pass: 'Pass' } as const

function rulesOf({ action, protocols }: ClusterRule, peers: Subject[], where: 'source' | 'destination'): CalicoRule[] {
  return peers.flatMap(peer =>
    portsOf(protocols).map(({ protocol, ports }) => {
      const sides = { source: {}, destination: {}, [where]: sideOf(peer) }
      const destination = { ...sides.destination, ...(ports ? { ports } : {}) }
      return { action: actions[action], ...(protocol ? { protocol } : {}), source: sides.source, destination }
    }),
  )
}

function portsOf(protocols: ClusterRule['protocols']): { protocol?: string; ports?: (number | string)[] }[] {
  if (!protocols?.length) return [{}]
  return protocols.map(({ destinationNamedPort, ...by }) => {
    if (destinationNamedPort) return { ports: [destinationNamedPort] }
    const [name, ports] = Object.entries(by)[0] ?? []
    const { number, range } = (ports as Ports | undefined)?.destinationPort ?? {}
    const wanted = number ?? (range && `${range.start}:${range.end}`)
    return { ...(name ? { protocol: name.toUpperCase() } : {}), ...(wanted === undefined ? {} : { ports: [wanted] }) }
  })
}

function sideOf({ namespaces, pods, networks }: Subject): RuleSide {
  if (networks?.length) return { nets: networks }
  if (!pods) return { namespaceSelector: selectorText(namespaces) }
  return {
    namespaceSelector: selectorText(pods.namespaceSelector),
    selector: selectorText(pods.podSelector),
  }
}

/** A selector of Kubernetes' in Calico's words; an empty one is everybody. */
function selectorText({ matchLabels = {}, matchExpressions = [] }: Selector = {}): string {
  const list = (values: string[] = []) => `{${values.map(value => ` "${value}"`).join(',')} }`
  const tests: Record<string, (key: string, values?: string[]) => string> = {
    In: (key, values) => `${key} in ${list(values)}`,
    NotIn: (key, values) => `${key} not in ${list(values)}`,
    Exists: key => `has(${key})`,
    DoesNotExist: key => `!has(${key})`,
  }
  const parts = [
    ...Object.entries(matchLabels).map(([key, value]) => `${key} == "${value}"`),
    ...matchExpressions.map(({ key, operator, values }) => tests[operator]!(key, values)),
  ]
  return parts.join(' && ') || 'all()'
}
