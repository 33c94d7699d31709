import { isIPv6 } from '../../base/ip.ts'
import type { Pod } from '../../models/kinds/index.ts'
import { serviceNameLabel } from '../../models/usable-endpoints.ts'
import type { CalicoRule, RuleSide } from '../calico/kinds/policy-rules.ts'
import {
  accountOf,
  type EndLabels,
  identitiesOf,
  isInAny,
  isInNamespace,
  matchesAccount,
  matchesEnd,
  matchesNamespace,
} from './calico-labels.ts'
import type { Connection, End, PolicyWorld } from './connection.ts'

const numbers: Record<string, number> = { TCP: 6, UDP: 17, SCTP: 132 }

/**
 * Why a rule of Calico's does not match a connection; undefined: it does. Pure.
 * @param namespace of the policy; undefined: it is for all
 */
export function ruleMiss(
  world: PolicyWorld,
  rule: CalicoRule,
  namespace: string | undefined,
  { from, to, port, protocol }: Connection,
): string | undefined {
  const { source = {}, destination = {} } = rule
  if (rule.protocol !== undefined && !isProtocol(rule.protocol, protocol)) return `the protocol is ${rule.protocol}`
  if (rule.notProtocol !== undefined && isProtocol(rule.notProtocol, protocol)) return `any protocol but ${protocol}`
  if (rule.ipVersion !== undefined && from.ip && rule.ipVersion !== (isIPv6(from.ip) ? 6 : 4))
    return `it is about IPv${rule.ipVersion}`
  if (rule.http) return 'it looks into HTTP, which packets do not show'
  if (source.ports?.length) return 'it is about ports of the source, which nobody knows before'
  return (
    sideMiss(world, 'source', source, namespace, from) ??
    sideMiss(world, 'destination', destination, namespace, to) ??
    serviceMiss(world, source, namespace, from) ??
    serviceMiss(world, destination, namespace, to, { port, protocol }) ??
    portMiss(destination, to, port, protocol)
  )
}

const isProtocol = (wanted: string | number, protocol: string) =>
  /^\d+$/.test(String(wanted)) ? Number(wanted) === numbers[protocol] : String(wanted).toUpperCase() === protocol

function sideMiss(
  world: PolicyWorld,
  name: 'source' | 'destination',
  side: RuleSide,
  namespace: string | undefined,
  end: End,
): string | undefined {
  if (side.nets?.length && !isInAny(side.nets, end.ip)) return `${end.name} is not in ${side.nets.join(', ')}`
  if (side.notNets?.length && isInAny(side.notNets, end.ip)) return `${end.name} is in ${side.notNets.join(', ')}`
  const identities = identitiesOf(world, end)
  if (selects(side, namespace) && !identities.some(labels => isMeant(side, namespace, labels)))
    return `${end.name} is not its ${name}${sideText(side)}`
  if (side.notSelector && identities.some(labels => matchesEnd(side.notSelector, labels)))
    return `${end.name} is ${side.notSelector}`
  return undefined
}

/** @param at of a destination, which must be what the Service's endpoints serve */
function serviceMiss(
  { slices = [] }: PolicyWorld,
  { services }: RuleSide,
  namespace: string | undefined,
  { name, ip }: End,
  at?: { port: number; protocol: string },
): string | undefined {
  if (!services) return undefined
  const place = services.namespace ?? namespace
  const own = slices.filter(
    ({ metadata }) => metadata.namespace === place && metadata.labels?.[serviceNameLabel] === services.name,
  )
  const serves = own.some(
    slice =>
      slice.endpoints?.some(e => ip && e.addresses.includes(ip)) &&
      (!at || slice.ports?.some(p => p.port === at.port && (p.protocol ?? 'TCP') === at.protocol)),
  )
  return serves ? undefined : `${name} is behind no Service ${place}/${services.name}${at ? ` at ${at.port}` : ''}`
}

/** As soon as anything is selected by, a policy of one namespace means that namespace's, unless it says which. */
const selects = ({ selector, notSelector, namespaceSelector, serviceAccounts }: RuleSide, namespace?: string) =>
  !!(selector || namespaceSelector || serviceAccounts?.names?.length || serviceAccounts?.selector) ||
  !!(notSelector && namespace)

function isMeant(
  { selector, namespaceSelector, serviceAccounts }: RuleSide,
  namespace: string | undefined,
  labels: EndLabels,
): boolean {
  if (!namespaceSelector && namespace && !isInNamespace(namespace, labels)) return false
  const { names = [], selector: accounts } = serviceAccounts ?? {}
  return (
    matchesNamespace(namespaceSelector, labels) &&
    matchesEnd(selector, labels) &&
    (!names.length || names.includes(accountOf(labels) ?? '')) &&
    matchesAccount(accounts, labels)
  )
}

function sideText({ selector, namespaceSelector, serviceAccounts }: RuleSide): string {
  const parts = [
    ...(selector ? [selector] : []),
    ...(namespaceSelector ? [`in namespaces ${namespaceSelector}`] : []),
    ...(serviceAccounts?.names?.length ? [`with account ${serviceAccounts.names.join(' or ')}`] : []),
    ...(serviceAccounts?.selector ? [`with accounts ${serviceAccounts.selector}`] : []),
  ]
  return parts.length ? ` (${parts.join(', ')})` : ''
}

function portMiss({ ports, notPorts }: RuleSide, { pod }: End, port: number, protocol: string): string | undefined {
  const isOne = (wanted: number | string) => isPort(wanted, port, protocol, pod)
  if (ports?.length && !ports.some(isOne)) return `${port} is none of its ports (${ports.join(', ')})`
  return notPorts?.some(isOne) ? `${port} is one of the ports that are excepted` : undefined
}

function isPort(wanted: number | string, port: number, protocol: string, pod: Pod | undefined): boolean {
  const [, from, to] = /^(\d+)(?::(\d+))?$/.exec(String(wanted)) ?? []
  if (from) return port >= Number(from) && port <= Number(to ?? from)
  const ports = (pod?.spec.containers ?? []).flatMap(container => container.ports ?? [])
  return ports.some(p => p.name === wanted && (p.protocol ?? 'TCP') === protocol && p.containerPort === port)
}
