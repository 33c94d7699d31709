import { type Amount, parseQuantity } from '../../base/quantity.ts'
import type { LimitRangeItem } from '../../models/types/core-v1.ts'

type Amounts = Record<string, string> | undefined

/** What an object asks for, as far as a LimitRange looks at it. */
export interface Asked {
  requests: Amounts
  limits: Amounts
}

/** What of one entry of a LimitRange the object does not keep to, in Kubernetes' words. @throws InvalidQuantity */
export function limitViolations(limit: LimitRangeItem, asked: Asked): string[] {
  const check = (list: Amounts, rule: (name: string, bound: string) => string | undefined) =>
    Object.entries(list ?? {}).flatMap(([name, bound]) => rule(name, bound) ?? [])
  const isClaim = limit.type === 'PersistentVolumeClaim'
  return [
    ...check(limit.min, (name, bound) => belowMinimum(limit.type, name, bound, asked)),
    ...check(limit.max, (name, bound) => (isClaim ? claimTooLarge : aboveMaximum)(limit.type, name, bound, asked)),
    ...(isClaim
      ? []
      : check(limit.maxLimitRequestRatio, (name, bound) => ratioTooLarge(limit.type, name, bound, asked))),
  ]
}

function belowMinimum(type: string, name: string, bound: string, { requests, limits }: Asked): string | undefined {
  const text = `minimum ${name} usage per ${type} is ${bound}`
  const [request, limit] = [requests?.[name], limits?.[name]]
  if (request === undefined) return `${text}.  No request is specified`
  if (nano(request) < nano(bound)) return `${text}, but request is ${request}`
  return limit !== undefined && nano(limit) < nano(bound) ? `${text}, but limit is ${limit}` : undefined
}

function aboveMaximum(type: string, name: string, bound: string, { requests, limits }: Asked): string | undefined {
  const text = `maximum ${name} usage per ${type} is ${bound}`
  const [request, limit] = [requests?.[name], limits?.[name]]
  if (limit === undefined) return `${text}.  No limit is specified`
  if (nano(limit) > nano(bound)) return `${text}, but limit is ${limit}`
  return request !== undefined && nano(request) > nano(bound) ? `${text}, but request is ${request}` : undefined
}

/** Claims have requests only. */
function claimTooLarge(type: string, name: string, bound: string, { requests }: Asked): string | undefined {
  const text = `maximum ${name} usage per ${type} is ${bound}`
  const request = requests?.[name]
  if (request === undefined) return `${text}.  No request is specified`
  return nano(request) > nano(bound) ? `${text}, but request is ${request}` : undefined
}

function ratioTooLarge(type: string, name: string, bound: string, { requests, limits }: Asked): string | undefined {
  const text = `${name} max limit to request ratio per ${type} is ${bound}`
  const [request, limit] = [nano(requests?.[name] ?? '0'), nano(limits?.[name] ?? '0')]
  if (request === 0n) return `${text}, but no request is specified or request is 0`
  if (limit === 0n) return `${text}, but no limit is specified or limit is 0`
  const ratio = Number(limit) / Number(request)
  return ratio * 1e9 > Number(nano(bound)) ? `${text}, but provided ratio is ${ratio.toFixed(6)}` : undefined
}

const nano = (text: string): Amount['nano'] => parseQuantity(text).nano
