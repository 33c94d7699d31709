import { type Amount, formatQuantity, parseQuantity } from '../../../base/quantity.ts'
import type { Quantity } from '../../scalars.ts'
import type { Container, PodSpec, PodStatus } from '../../types/core-v1.ts'

type Amounts = Map<string, Amount>

/**
 * What a pod takes on its node while it runs: the sum of its containers and sidecars, or what its hungriest init step
 * needs beside the sidecars started before it, whichever is more, and the overhead of its runtime class. While a container
 * is being resized it takes the more of what it wants and what it has; if its node can never give it more, what it has.
 * @returns by resource name (`cpu`, `memory`, …), in canonical form; resources that nobody requests are missing
 * @throws InvalidQuantity if a request is not a quantity
 * @see https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
 */
export function podRequests(pod: { spec: PodSpec; status?: PodStatus }): Record<string, Quantity> {
  const total = effective(pod.spec, 'requests', pod.status)
  add(total, pod.spec.overhead)
  return texts(total)
}

/** The same of limits. Overhead counts only where there is a limit. @throws InvalidQuantity */
export function podLimits(pod: { spec: PodSpec }): Record<string, Quantity> {
  const total = effective(pod.spec, 'limits')
  for (const [name, quantity] of Object.entries(pod.spec.overhead ?? {}))
    if (total.get(name)?.nano) add(total, { [name]: quantity })
  return texts(total)
}

function effective(spec: PodSpec, which: 'requests' | 'limits', status: PodStatus = {}): Amounts {
  const of = (container: Container) => container.resources?.[which]
  const total: Amounts = new Map()
  for (const container of spec.containers ?? []) {
    const has = status.containerStatuses?.find(({ name }) => name === container.name)?.resources?.[which]
    if (!has) add(total, of(container))
    else if (status.resize === 'Infeasible') add(total, has)
    else addMore(total, of(container), has)
  }
  const sidecars: Amounts = new Map()
  const largestStep: Amounts = new Map()
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      add(total, of(container))
      add(sidecars, of(container))
      raise(largestStep, sidecars)
    } else {
      const step = new Map(sidecars)
      add(step, of(container))
      raise(largestStep, step)
    }
  }
  raise(total, largestStep)
  return total
}

function add(total: Amounts, list: Record<string, Quantity> | undefined): void {
  for (const [name, text] of Object.entries(list ?? {})) {
    const amount = parseQuantity(text)
    const known = total.get(name)
    total.set(
      name,
      known ? { nano: known.nano + amount.nano, format: known.nano ? known.format : amount.format } : amount,
    )
  }
}

/** Of each resource the more of the two. */
function addMore(total: Amounts, one: Record<string, Quantity> | undefined, other: Record<string, Quantity>): void {
  const more: Amounts = new Map()
  add(more, one)
  const least: Amounts = new Map()
  add(least, other)
  raise(more, least)
  add(total, texts(more))
}

function raise(total: Amounts, least: Amounts): void {
  for (const [name, amount] of least) {
    const known = total.get(name)
    if (!known || known.nano < amount.nano) total.set(name, amount)
  }
}

function texts(amounts: Amounts): Record<string, Quantity> {
  return Object.fromEntries([...amounts].map(([name, amount]) => [name, formatQuantity(amount)]))
}
