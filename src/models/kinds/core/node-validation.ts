import { sameMeaning } from '../../../base/equality.ts'
import { isCIDR } from '../../../base/ip.ts'
import { isLabelValue } from '../../../base/names.ts'
import { duplicate, type FieldError, forbidden, GoText, goQuote, invalid, required } from '../../field-error.ts'
import type { Node, Taint } from '../../types/core-v1.ts'
import { checkLabelName, checkOneOf } from '../checks.ts'
import { checkAmount } from './resource-validation.ts'
import { taintEffects } from './scheduling-validation.ts'

export function validateNode(next: Node, previous?: Node): FieldError[] {
  const { spec, status } = next
  // Kubernetes looks for taints in the metadata.
  const errors = checkTaints('metadata.taints', spec.taints)
  for (const list of ['capacity', 'allocatable'] as const)
    for (const [name, quantity] of Object.entries(status?.[list] ?? {}))
      errors.push(...checkAmount(`status.${list}.${name}`, name, quantity))
  errors.push(...checkCidrs(next))
  if (!previous) return errors
  const addresses = new Set<string>()
  for (const [i, address] of (status?.addresses ?? []).entries()) {
    const key = `${address.type} ${address.address}`
    if (addresses.has(key)) errors.push(duplicate(`status.addresses[${i}]`, address))
    addresses.add(key)
  }
  // An update is looked at as a new object too, so what is wrong with taints is found twice.
  return [...errors, ...checkChanges(next, previous), ...checkTaints('metadata.taints', spec.taints)]
}

function checkTaints(field: string, taints: Taint[] = []): FieldError[] {
  const seen = new Set<string>()
  return taints.flatMap((taint, i) => {
    const at = `${field}[${i}]`
    const { key, value, effect } = taint
    const errors = checkLabelName(`${at}.key`, key ?? '')
    const wrong = isLabelValue(value ?? '')
    if (wrong.length) errors.push(invalid(`${at}.value`, value, wrong.join(';')))
    if (!effect) errors.push(required(`${at}.effect`))
    else errors.push(...checkOneOf(`${at}.effect`, effect, taintEffects))
    if (seen.has(`${key} ${effect}`)) {
      const { message } = duplicate(at, goTaint(taint))
      const text = 'taints must be unique by key and effect pair'
      errors.push({ field: at, reason: 'FieldValueDuplicate', message: `${message}: ${text}` })
    }
    seen.add(`${key} ${effect}`)
    return errors
  })
}

/** As Go shows it; the time of one that has it is not shown as Go would. */
const goTaint = ({ key, value = '', effect, timeAdded }: Taint) => {
  const time = timeAdded === undefined ? '<nil>' : timeAdded
  const fields = `Key:${goQuote(key)}, Value:${goQuote(value)}, Effect:${goQuote(effect)}, TimeAdded:${time}`
  return new GoText(`core.Taint{${fields}}`)
}

function checkCidrs({ spec: { podCIDRs = [] } }: Node): FieldError[] {
  const text = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'
  const errors = podCIDRs.flatMap((cidr, i) => (isCIDR(cidr) ? [] : [invalid(`spec.podCIDRs[${i}]`, cidr, text)]))
  const [first, second, third] = podCIDRs
  const sameFamily = first && second && first.includes(':') === second.includes(':')
  if (third || sameFamily)
    errors.push(invalid('spec.podCIDRs', podCIDRs, 'may specify no more than one CIDR for each IP family'))
  for (const [i, cidr] of podCIDRs.entries())
    if (podCIDRs.indexOf(cidr) < i) errors.push(duplicate(`spec.podCIDRs[${i}]`, cidr))
  return errors
}

function checkChanges(next: Node, previous: Node): FieldError[] {
  const errors: FieldError[] = []
  const old = previous.spec
  if (old.podCIDRs?.length && !sameMeaning(next.spec.podCIDRs, old.podCIDRs))
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'))
  if (old.providerID && next.spec.providerID !== old.providerID)
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'))
  if ((next.spec.externalID ?? '') !== (old.externalID ?? ''))
    errors.push(forbidden('spec.externalID', 'may not be updated'))
  return errors
}
