import { type Amount, formatQuantity, parseQuantity } from '../../../base/quantity.ts'
import { addAmounts, podTotal, type Reckoning, raiseAmounts } from '../../pod-total.ts'
import type { Quantity } from '../../scalars.ts'
import type { Container, PodSpec, PodStatus } from '../../types/core-v1.ts'

type Amounts = Map<string, Amount>

/** Exact, and in the notation of the first amount that is not nothing. */
const exact: Reckoning<Amount> = {
  sum: (one, other) => ({ nano: one.nano + other.nano, format: one.nano ? one.format : other.format }),
  less: (one, other) => one.nano < other.nano,
}

/**
 * What a pod takes on its node while it runs, overhead of its runtime class included. While a container is being resized it
 * takes the more of what it wants and what it has; if its node can never give it more, what it has.
 * @returns by resource name (`cpu`, `memory`, …), in canonical form; resources that nobody requests are missing
 * @throws InvalidQuantity if a request is not a quantity
 * @see podTotal
 */
export function podRequests(pod: { spec: PodSpec; status?: PodStatus }): Record<string, Quantity> {
  const total = podTotal(pod.spec, container => counted(container, pod.status), exact)
  return texts(addAmounts(total, amounts(pod.spec.overhead), exact))
}

/** The same of limits. Overhead counts only where there is a limit. @throws InvalidQuantity */
export function podLimits(pod: { spec: PodSpec }): Record<string, Quantity> {
  const total = podTotal(pod.spec, container => amounts(container.resources?.limits), exact)
  for (const [name, amount] of amounts(pod.spec.overhead))
    if (total.get(name)?.nano) addAmounts(total, new Map([[name, amount]]), exact)
  return texts(total)
}

function counted({ name, resources }: Container, { containerStatuses, resize }: PodStatus = {}): Amounts {
  const asked = amounts(resources?.requests)
  const has = containerStatuses?.find(status => status.name === name)?.resources?.requests
  if (!has) return asked
  return resize === 'Infeasible' ? amounts(has) : raiseAmounts(asked, amounts(has), exact)
}

const amounts = (list: Record<string, Quantity> = {}): Amounts =>
  new Map(Object.entries(list).map(([name, text]) => [name, parseQuantity(text)]))

const texts = (total: Amounts): Record<string, Quantity> =>
  Object.fromEntries([...total].map(([name, amount]) => [name, formatQuantity(amount)]))
