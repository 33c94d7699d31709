import { sameMeaning } from '../../../base/equality.ts'
import { isCIDR } from '../../../base/ip.ts'
import { isLabelValue } from '../../../base/names.ts'
import { duplicate, type FieldError, forbidden, invalid, required } from '../../field-error.ts'
import type { Node, Taint } from '../../types/core-v1.ts'
import { checkLabelName, texts } from '../checks.ts'
import { checkAmount } from './resource-validation.ts'

export function validateNode(next: Node, previous?: Node): FieldError[] {
  const { spec, status } = next
  const errors = [...checkTaints('spec.taints', spec.taints), ...checkCidrs(next)]
  for (const list of ['capacity', 'allocatable'] as const)
    for (const [name, quantity] of Object.entries(status?.[list] ?? {}))
      errors.push(...checkAmount(`status.${list}[${name}]`, name, quantity))
  if (!previous) return errors
  const addresses = new Set<string>()
  for (const [i, address] of (status?.addresses ?? []).entries()) {
    const key = `${address.type} ${address.address}`
    if (addresses.has(key)) errors.push(duplicate(`status.addresses[${i}]`, address))
    addresses.add(key)
  }
  return [...errors, ...checkChanges(next, previous)]
}

function checkTaints(field: string, taints: Taint[] = []): FieldError[] {
  const seen = new Set<string>()
  return taints.flatMap((taint, i) => {
    const at = `${field}[${i}]`
    const { key, value, effect } = taint
    const errors = checkLabelName(`${at}.key`, key)
    if (value) errors.push(...texts(`${at}.value`, value, isLabelValue(value)))
    if (!effect) errors.push(required(`${at}.effect`))
    if (seen.has(`${key} ${effect}`)) errors.push(duplicate(at, taint))
    seen.add(`${key} ${effect}`)
    return errors
  })
}

function checkCidrs({ spec: { podCIDRs = [] } }: Node): FieldError[] {
  const text = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
  const errors = podCIDRs.flatMap((cidr, i) => (isCIDR(cidr) ? [] : [invalid(`spec.podCIDRs[${i}]`, cidr, text)]))
  const [first, second, third] = podCIDRs
  const sameFamily = first && second && first.includes(':') === second.includes(':')
  if (third || sameFamily)
    errors.push(invalid('spec.podCIDRs', podCIDRs, 'may specify no more than one CIDR for each IP family'))
  return errors
}

function checkChanges(next: Node, previous: Node): FieldError[] {
  const errors: FieldError[] = []
  const old = previous.spec
  if (old.podCIDRs?.length && !sameMeaning(next.spec.podCIDRs, old.podCIDRs))
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'))
  if (old.providerID && next.spec.providerID !== old.providerID)
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'))
  return errors
}
