import { addressProblem } from '../base/address-check.ts'
import { type Clock, timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import type { Net } from '../base/net.ts'
import type { Client } from '../client/index.ts'
import type { Reconciler } from '../client/reconciler.ts'
import type { AddressQuestion } from '../models/address-question.ts'
import { isNotFound } from '../models/api-error.ts'
import { Node, ServiceRegistration } from '../models/kinds/index.ts'
import { parseAddress } from '../models/kinds/optiflow/service-registration.ts'
import { keyText } from '../models/object.ts'
import type { ServiceRegistrationAddress, ServiceRegistrationCheck } from '../models/types/optiflow-v1.ts'

import { type AskAgent, agreedAnswer, askAgent, askingNodes } from './agent-checks.ts'

/** How often in a row an address has answered differently from what is said of it. */
interface Streak {
  against: number
}

/**
 * Has the agents of some nodes ask the addresses of registered services whether they are well, again and again, and says so
 * in their status. Where no agent answers we ask ourselves.
 */
export function registrationCheckReconciler(net: Net, ask: AskAgent = askAgent): Reconciler {
  const streaks = new Map<string, Map<string, Streak>>()
  const due = new Map<string, number>()
  return {
    name: 'registration-check',
    primary: ServiceRegistration,
    // Looked up only: the next check is soon enough for what changes there.
    watches: [{ kind: Node, keys: () => [] }],
    writes: [{ kind: ServiceRegistration, part: 'status' }],
    // Each may wait for addresses that do not answer.
    concurrency: 32,
    async reconcile(key, { cache, client, clock }) {
      const registration = cache.get(ServiceRegistration, key)
      const id = keyText(key)
      if (!registration?.spec.check || registration.metadata.deletionTimestamp) {
        streaks.delete(id)
        due.delete(id)
        return
      }
      const { spec, status, metadata } = registration
      const check = registration.spec.check
      const intervalMs = (check.intervalSeconds ?? 10) * 1_000
      const wait = (due.get(id) ?? 0) - clock.monotonicMs()
      // A change of the object itself, such as our own status, is no reason to ask before the time.
      if (wait > 0 && status?.observedGeneration === metadata.generation) return { afterMs: wait }
      due.set(id, clock.monotonicMs() + intervalMs)

      const before = streaks.get(id) ?? new Map<string, Streak>()
      const now = new Map(spec.addresses.map(address => [address, before.get(address) ?? { against: 0 }]))
      streaks.set(id, now)
      const nodes = askingNodes(cache.list(Node), metadata.uid!)
      const addresses = await Promise.all(
        spec.addresses.map(async address => {
          const problem = await problemOf({ address, check }, nodes, { net, ask, client, clock })
          const known = status?.addresses?.find(a => a.address === address)
          return judged(known, now.get(address)!, check, { address, problem, at: timestamp(clock) })
        }),
      )
      const next = { addresses, observedGeneration: metadata.generation! }
      if (!sameMeaning(status, next)) {
        try {
          await client.patch(
            ServiceRegistration,
            key,
            { type: 'merge', body: { status: next } },
            { subresource: 'status' },
          )
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
      }
      return { afterMs: intervalMs }
    },
  }
}

async function problemOf(
  question: AddressQuestion,
  nodes: readonly string[],
  { net, ask, client, clock }: { net: Net; ask: AskAgent; client: Client; clock: Clock },
): Promise<string | undefined> {
  const answers = await Promise.all(
    nodes.map(async node => ({ node, answer: await ask(client, clock, node, question).catch(() => undefined) })),
  )
  const agreed = agreedAnswer(answers)
  return agreed ? agreed.problem : addressProblem(net, question.check, parseAddress(question.address)!)
}

/** The first answer counts at once; after that only so many in a row that say otherwise. Changes `streak`. */
export function judged(
  known: ServiceRegistrationAddress | undefined,
  streak: Streak,
  { failureThreshold = 3, successThreshold = 1 }: ServiceRegistrationCheck,
  { address, problem, at }: { address: string; problem: string | undefined; at: string },
): ServiceRegistrationAddress {
  const said = (healthy: boolean) => ({
    address,
    healthy,
    lastTransitionTime: at,
    ...(healthy ? {} : { message: problem ?? '' }),
  })
  const well = problem === undefined
  if (!known) return said(well)
  if (well === known.healthy) {
    streak.against = 0
    return known
  }
  streak.against++
  if (streak.against < (known.healthy ? failureThreshold : successThreshold)) return known
  streak.against = 0
  return said(well)
}
