import { type Random, seededRandom } from '../../src/base/random.ts'

/** A pod of the trial: who it is, for policies. */
export interface TrialPod {
  name: string
  namespace: string
  account: string
  labels: Record<string, string>
}

/** Two namespaces, two accounts in each, three apps: small enough that random selectors hit somebody and miss somebody. */
export const trialNamespaces = { red: { team: 'red', zone: 'a' }, blue: { team: 'blue' } } as const
export const trialAccounts = { human: { trust: 'high' }, robot: { trust: 'low' } } as const
export const trialPods: TrialPod[] = [
  { name: 'r1', namespace: 'red', account: 'human', labels: { app: 'web', env: 'prod' } },
  { name: 'r2', namespace: 'red', account: 'robot', labels: { app: 'db' } },
  { name: 'r3', namespace: 'red', account: 'robot', labels: { app: 'client', env: 'test' } },
  { name: 'b1', namespace: 'blue', account: 'human', labels: { app: 'web' } },
  { name: 'b2', namespace: 'blue', account: 'robot', labels: { app: 'db', env: 'prod' } },
  { name: 'b3', namespace: 'blue', account: 'human', labels: { app: 'client' } },
]
/** Served by each pod, under these names. */
export const trialPorts = { http: 8080, admin: 8081 } as const
/** What all objects of a trial are found by again. */
export const ofTrial = { trial: 'yes' }
const prefix = 'trial-'

/**
 * Policies of all kinds that Calico holds to, by chance: tiers, orders, selectors of every sort, named ports, accounts, sets of networks,
 * Services.
 * @param ips of the pods, for rules that name addresses
 */
export function randomPolicies(seed: number, ips: Record<string, string>): object[] {
  return new Generator(seededRandom(seed), ips).objects()
}

class Generator {
  readonly #random: Random
  readonly #ips: string[]

  constructor(random: Random, ips: Record<string, string>) {
    this.#random = random
    this.#ips = Object.values(ips)
  }

  objects(): object[] {
    const tiers = [
      this.#crd('Tier', 'first', { order: 10, defaultAction: this.#pick(['Deny', 'Pass']) }),
      this.#crd('Tier', 'second', { order: 20, defaultAction: 'Pass' }),
    ]
    const sets = [
      this.#crd('GlobalNetworkSet', 'set', { nets: this.#some(this.#ips).map(ip => `${ip}/32`) }, { kind: 'set' }),
      this.#crd('NetworkSet', 'own', { nets: this.#some(this.#ips).map(ip => `${ip}/32`) }, { kind: 'own' }, 'red'),
    ]
    const count = 2 + this.#below(4)
    return [...tiers, ...sets, ...Array.from({ length: count }, (_, i) => this.#policy(`p${i}`))]
  }

  #policy(name: string): object {
    const kind = this.#pick(['global', 'global', 'namespaced', 'kubernetes', 'kubernetes', 'cluster'])
    if (kind === 'kubernetes') return this.#kubernetes(name)
    if (kind === 'cluster') return this.#cluster(name)
    const namespace = kind === 'namespaced' ? this.#pick(['red', 'blue']) : undefined
    const spec = {
      tier: this.#pick([`${prefix}first`, `${prefix}second`, 'default']),
      ...(this.#maybe(0.7) ? { order: this.#pick([1, 500, 1000, 2000]) } : {}),
      selector: this.#selector(),
      ...(!namespace && this.#maybe(0.3) ? { namespaceSelector: this.#namespaceSelector() } : {}),
      ...(this.#maybe(0.2) ? { serviceAccountSelector: this.#accountSelector() } : {}),
      ...(this.#maybe(0.85) ? { types: this.#pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']]) } : {}),
      ingress: this.#rules(namespace, 'Ingress'),
      egress: this.#rules(namespace, 'Egress'),
    }
    return this.#crd(namespace ? 'NetworkPolicy' : 'GlobalNetworkPolicy', name, spec, {}, namespace)
  }

  #rules(namespace: string | undefined, direction: 'Ingress' | 'Egress'): object[] {
    return Array.from({ length: this.#below(4) }, () => {
      const protocol = this.#pick(['TCP', 'TCP', 'UDP', 6, undefined])
      const toService = direction === 'Egress' && this.#maybe(0.15)
      const service = { services: { name: 'web', namespace: this.#pick(['red', 'blue']) } }
      const destination = toService ? service : direction === 'Egress' ? this.#side(namespace) : {}
      const port = this.#pick([8080, 8081, '8000:8080', 'http', 'admin'])
      const ports = this.#maybe(0.5) ? this.#pick([{ ports: [port] }, { notPorts: [port] }]) : {}
      return {
        action: this.#pick(['Allow', 'Allow', 'Deny', 'Pass', 'Log']),
        ...(protocol === undefined || toService ? {} : { protocol }),
        ...(protocol === undefined && this.#maybe(0.2) ? { notProtocol: 'UDP' } : {}),
        source: direction === 'Ingress' ? this.#side(namespace) : {},
        destination: { ...destination, ...(protocol === undefined || toService ? {} : ports) },
      }
    })
  }

  #side(namespace: string | undefined): object {
    const of = this.#pick(['any', 'selector', 'selector', 'not', 'nets', 'account', 'namespace', 'set'])
    if (of === 'selector') return { selector: this.#selector() }
    if (of === 'not') return { notSelector: this.#selector(), ...(this.#maybe(0.4) ? { selector: 'all()' } : {}) }
    if (of === 'nets') {
      const nets = this.#some(this.#ips).map(ip => this.#pick([ip, `${ip}/32`, `${ip}/31`]))
      return this.#pick([{ nets }, { notNets: nets.map(net => (net.includes('/') ? net : `${net}/32`)) }])
    }
    if (of === 'account')
      return { serviceAccounts: this.#pick([{ names: ['robot'] }, { selector: this.#accountSelector() }]) }
    if (of === 'namespace')
      return {
        namespaceSelector: this.#namespaceSelector(),
        ...(this.#maybe(0.5) ? { selector: this.#selector() } : {}),
      }
    if (of === 'set')
      return { selector: `kind == "${this.#pick(['set', 'own'])}"`, ...(namespace ? {} : this.#global()) }
    return {}
  }

  #global(): object {
    return this.#maybe(0.4) ? { namespaceSelector: this.#pick(['all()', 'global()']) } : {}
  }

  #selector(): string {
    const one = () =>
      this.#pick([
        'all()',
        'app == "web"',
        'app != "db"',
        'app in { "db", "client" }',
        'has(env)',
        '!has(env)',
        'env not in { "prod" }',
        'app starts with "c"',
        'pcns.team == "red"',
        'projectcalico.org/namespace == "blue"',
        'projectcalico.org/serviceaccount == "robot"',
      ])
    return this.#maybe(0.3) ? `(${one()}) ${this.#pick(['&&', '||'])} ${one()}` : one()
  }

  #namespaceSelector = (): string =>
    this.#pick(['all()', 'team == "red"', 'team != "red"', 'has(zone)', 'projectcalico.org/name == "blue"'])
  #accountSelector = (): string => this.#pick(['trust == "high"', 'trust != "high"', 'all()'])

  #kubernetes(name: string): object {
    const types = this.#pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']])
    const rules = (peers: string) =>
      Array.from({ length: this.#below(3) }, () => ({
        ...(this.#maybe(0.8) ? { [peers]: [this.#peer(), ...(this.#maybe(0.4) ? [this.#peer()] : [])] } : {}),
        ...(this.#maybe(0.6) ? { ports: [this.#kubernetesPort()] } : {}),
      }))
    return {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `${prefix}${name}`, namespace: this.#pick(['red', 'blue']), labels: ofTrial },
      spec: {
        podSelector: this.#labelSelector(),
        policyTypes: types,
        ...(types.includes('Ingress') ? { ingress: rules('from') } : {}),
        ...(types.includes('Egress') ? { egress: rules('to') } : {}),
      },
    }
  }

  #peer(): object {
    const ip = this.#pick(this.#ips)
    return this.#pick([
      { podSelector: this.#labelSelector() },
      { namespaceSelector: this.#namespaceLabels() },
      { namespaceSelector: this.#namespaceLabels(), podSelector: this.#labelSelector() },
      { ipBlock: { cidr: '10.240.0.0/16', except: [`${ip}/32`] } },
      { ipBlock: { cidr: `${ip}/32` } },
    ])
  }

  #kubernetesPort(): object {
    return this.#pick([
      { port: 8080 },
      { port: 'admin' },
      { port: 8000, endPort: 8080 },
      { protocol: 'TCP' },
      { protocol: 'UDP', port: 8080 },
    ])
  }

  #cluster(name: string): object {
    const rule = (peers: string) => ({
      action: this.#pick(['Accept', 'Deny', 'Pass']),
      [peers]: [this.#subject()],
      ...(this.#maybe(0.5) ? { protocols: [this.#clusterPorts()] } : {}),
    })
    const rules = (peers: string) => Array.from({ length: this.#below(3) }, () => rule(peers))
    return {
      apiVersion: 'policy.networking.k8s.io/v1alpha2',
      kind: 'ClusterNetworkPolicy',
      metadata: { name: `${prefix}${name}`, labels: ofTrial },
      spec: {
        tier: this.#pick(['Admin', 'Baseline']),
        priority: this.#pick([1, 10]),
        subject: this.#subject(),
        ingress: rules('from'),
        egress: rules('to'),
      },
    }
  }

  #clusterPorts(): object {
    const at = (destinationPort: object) => ({ destinationPort })
    return this.#pick([
      { tcp: at({ number: 8080 }) },
      { tcp: at({ range: { start: 8000, end: 8080 } }) },
      { udp: at({ number: 8080 }) },
      { destinationNamedPort: 'admin' },
    ])
  }

  #subject(): object {
    return this.#pick([
      { namespaces: this.#namespaceLabels() },
      { pods: { namespaceSelector: this.#namespaceLabels(), podSelector: this.#labelSelector() } },
    ])
  }

  #labelSelector(): object {
    return this.#pick([
      {},
      { matchLabels: { app: 'web' } },
      { matchLabels: { env: 'prod' } },
      { matchExpressions: [{ key: 'app', operator: 'In', values: ['db', 'client'] }] },
      { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['db'] }] },
      { matchExpressions: [{ key: 'env', operator: 'DoesNotExist' }] },
    ])
  }

  #namespaceLabels(): object {
    return this.#pick([
      {},
      { matchLabels: { team: 'red' } },
      { matchExpressions: [{ key: 'zone', operator: 'Exists' }] },
      { matchExpressions: [{ key: 'team', operator: 'NotIn', values: ['red'] }] },
    ])
  }

  #crd(kind: string, name: string, spec: object, labels: object = {}, namespace?: string): object {
    return {
      apiVersion: 'crd.projectcalico.org/v1',
      kind,
      metadata: { name: `${prefix}${name}`, labels: { ...ofTrial, ...labels }, ...(namespace ? { namespace } : {}) },
      spec,
    }
  }

  #below = (n: number): number => Math.floor(this.#random.next() * n)
  #maybe = (chance: number): boolean => this.#random.next() < chance
  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)]!
  }
  #some<T>(from: readonly T[]): T[] {
    const found = from.filter(() => this.#maybe(0.4))
    return found.length ? found : [this.#pick(from)]
  }
}
