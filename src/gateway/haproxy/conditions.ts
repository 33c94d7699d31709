import type { Route, ValueTest } from '../routing-table.ts'
import { exactly, quoted } from './words.ts'

/** When a host is meant; '' when any is. */
export function hostCondition(host: string, oneLabel: boolean | undefined): string {
  if (!host) return ''
  if (!host.startsWith('*.')) return `{ var(txn.host) -m str ${quoted(host)} }`
  return oneLabel
    ? `{ var(txn.host) -m reg ${quoted(`^[^.]+${exactly(host.slice(1))}$`)} }`
    : `{ var(txn.host) -m end ${quoted(host.slice(1))} }`
}

/** When a route's match holds: conditions beside each other must all hold, lines of one ACL are alternatives. */
export function conditionOf(
  id: string,
  { path, method, headers = [], query = [], exceptHosts = [] }: Route['match'],
): { acl: string[]; condition: string } {
  const acl: string[] = []
  const conditions: string[] = []
  if (path.type === 'Exact') conditions.push(`{ path -m str ${quoted(path.path)} }`)
  else if (path.type === 'Pattern') conditions.push(`{ path -m reg ${quoted(`^(?:${path.path})$`)} }`)
  else if (path.path) {
    acl.push(`  acl ${id} path -m str ${quoted(path.path)}`, `  acl ${id} path -m beg ${quoted(`${path.path}/`)}`)
    conditions.push(id)
  }
  for (const host of exceptHosts) conditions.push(`!${hostCondition(host, false)}`)
  if (method) conditions.push(`{ method ${method} }`)
  for (const header of headers) conditions.push(valueCondition(`req.fhdr(${header.name})`, header))
  for (const parameter of query) conditions.push(valueCondition(`url_param(${parameter.name}),url_dec`, parameter))
  return { acl, condition: conditions.join(' ') }
}

function valueCondition(sample: string, { exact, pattern }: ValueTest): string {
  return pattern === undefined
    ? `{ ${sample} -m str ${quoted(exact ?? '')} }`
    : `{ ${sample} -m reg ${quoted(`^(?:${pattern})$`)} }`
}
