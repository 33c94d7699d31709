import { cidrContains, isCIDR } from '../../../base/ip.ts'
import { type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import { goList } from '../../go-text.ts'
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../types/networking-v1.ts'
import { checkOneOf, checkPort, checkPortReference } from '../checks.ts'
import { checkSelector } from '../selector-checks.ts'

export function validateNetworkPolicy({ spec }: NetworkPolicy): FieldError[] {
  const { podSelector, ingress = [], egress = [], policyTypes = [] } = spec
  const errors = checkSelector('spec.podSelector', podSelector)
  for (const [i, rule] of ingress.entries())
    errors.push(...checkRule(`spec.ingress[${i}]`, rule.ports, 'from', rule.from))
  for (const [i, rule] of egress.entries()) errors.push(...checkRule(`spec.egress[${i}]`, rule.ports, 'to', rule.to))
  if (policyTypes.length > 2) {
    const shown = goList(policyTypes, 'networking.PolicyType')
    return [...errors, invalid('spec.policyTypes', shown, 'may not specify more than two policyTypes')]
  }
  return [
    ...errors,
    ...policyTypes.flatMap((type, i) => checkOneOf(`spec.policyTypes[${i}]`, type, ['Ingress', 'Egress'])),
  ]
}

function checkRule(field: string, ports: NetworkPolicyPort[] = [], side: string, peers: NetworkPolicyPeer[] = []) {
  return [
    ...ports.flatMap((port, i) => checkPolicyPort(`${field}.ports[${i}]`, port)),
    ...peers.flatMap((peer, i) => checkPeer(`${field}.${side}[${i}]`, peer)),
  ]
}

function checkPolicyPort(field: string, { port, endPort, protocol }: NetworkPolicyPort): FieldError[] {
  const errors = protocol === undefined ? [] : checkOneOf(`${field}.protocol`, protocol, ['TCP', 'UDP', 'SCTP'])
  if (port !== undefined) errors.push(...checkPortReference(`${field}.port`, port))
  if (endPort === undefined) return errors
  if (port === undefined)
    return [...errors, invalid(`${field}.endPort`, endPort, 'may not be specified when `port` is not specified')]
  if (typeof port === 'string')
    return [...errors, invalid(`${field}.endPort`, endPort, 'may not be specified when `port` is non-numeric')]
  if (endPort < port) errors.push(invalid(`${field}.endPort`, port, 'must be greater than or equal to `port`'))
  return [...errors, ...checkPort(`${field}.endPort`, endPort)]
}

function checkPeer(field: string, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): FieldError[] {
  const errors = [
    ...checkSelector(`${field}.podSelector`, podSelector),
    ...checkSelector(`${field}.namespaceSelector`, namespaceSelector),
    ...(ipBlock ? checkBlock(`${field}.ipBlock`, ipBlock) : []),
  ]
  if (!podSelector && !namespaceSelector && !ipBlock) errors.push(required(field, 'must specify a peer'))
  else if (ipBlock && (podSelector || namespaceSelector))
    errors.push(forbidden(field, 'may not specify both ipBlock and another peer'))
  return errors
}

/** A smaller block of the same. */
function isWithin(inner: string, outer: string): boolean {
  const [address, bits] = inner.split('/') as [string, string]
  return Number(bits) > Number(outer.split('/')[1]) && cidrContains(outer, address)
}

const cidrText = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

function checkBlock(field: string, { cidr, except = [] }: IPBlock): FieldError[] {
  if (!cidr) return [required(`${field}.cidr`)]
  return [
    ...(isCIDR(cidr) ? [] : [invalid(`${field}.cidr`, cidr, cidrText)]),
    ...except.flatMap((range, i) => {
      const at = `${field}.except[${i}]`
      if (!isCIDR(range)) return [invalid(at, range, cidrText)]
      return !isCIDR(cidr) || isWithin(range, cidr) ? [] : [invalid(at, range, 'must be a strict subset of `cidr`')]
    }),
  ]
}
