import type { Service } from './types/core-v1.ts'

/**
 * How a Service's requests through the gateway are shared out while some of its pods are new: a second Service of its name with
 * `-canary` at the end selects those, and says in this annotation which part of the requests is theirs, in percent.
 */
export const canaryWeightAnnotation = 'optiflow.dev/canary-weight'

const suffix = '-canary'

export const canaryOfName = (name: string) => `${name}${suffix}`

/** 0 to 100; undefined: nothing is shared out by this Service. */
export function canaryWeight(canary: Service | undefined): number | undefined {
  const text = canary?.metadata.annotations?.[canaryWeightAnnotation]
  const percent = text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : NaN
  return percent <= 100 ? percent : undefined
}
