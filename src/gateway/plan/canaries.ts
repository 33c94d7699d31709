import type { WeightedBackend } from '../routing-table.ts'

/** Backends of which some pods get a part of the requests of their own are two, with just these parts. */
export function sharedOut<B extends WeightedBackend>(backends: readonly B[]): B[] {
  if (!backends.some(({ backend }) => backend.canary)) return [...backends]
  return backends.flatMap(weighted => {
    const { weight } = weighted
    const { canary, ...backend } = weighted.backend
    if (!canary) return [{ ...weighted, weight: weight * 100 }]
    const fresh = new Set(canary.endpoints.map(addressOf))
    const old = backend.endpoints.filter(e => !fresh.has(addressOf(e)))
    const parts = [
      { ...weighted, weight: weight * (100 - canary.percent), backend: { ...backend, endpoints: old } },
      {
        ...weighted,
        weight: weight * canary.percent,
        backend: { ...backend, name: canary.name, endpoints: canary.endpoints },
      },
    ]
    // Nobody waits for pods that are not there: the others have it all.
    const there = parts.filter(part => part.backend.endpoints.length)
    if (there.length < 2) return [{ ...weighted, weight: weight * 100, backend }]
    return there.filter(part => part.weight > 0)
  })
}

const addressOf = ({ ip, port }: { ip: string; port: number }) => `${ip} ${port}`
