import { timestamp } from '../base/clock.ts'
import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import type { Net } from '../base/net.ts'
import type { Reconciler } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import { ServiceRegistration } from '../models/kinds/index.ts'
import { parseAddress } from '../models/kinds/optiflow/service-registration.ts'
import { keyText } from '../models/object.ts'
import type { ServiceRegistrationAddress, ServiceRegistrationCheck } from '../models/types/optiflow-v1.ts'

/** How often in a row an address has answered differently from what is said of it. */
interface Streak {
  against: number
}

/** Asks the addresses of registered services whether they are well, again and again, and says so in their status. */
export function registrationCheckReconciler(net: Net): Reconciler {
  const streaks = new Map<string, Map<string, Streak>>()
  const due = new Map<string, number>()
  return {
    name: 'registration-check',
    primary: ServiceRegistration,
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
      const addresses = await Promise.all(
        spec.addresses.map(async address => {
          const problem = await ask(net, check, address)
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

/** @returns what is wrong; undefined: it is well */
async function ask(net: Net, check: ServiceRegistrationCheck, address: string): Promise<string | undefined> {
  const timeoutMs = (check.timeoutSeconds ?? 2) * 1_000
  const { ip, port } = parseAddress(address)!
  try {
    if (!check.http) {
      const socket = await net.connect(ip, port, { timeoutMs })
      socket.destroy()
      return undefined
    }
    const scheme = check.http.scheme === 'HTTPS' ? 'https' : 'http'
    const url = `${scheme}://${ip.includes(':') ? `[${ip}]` : ip}:${port}${check.http.path ?? '/'}`
    const { status } = await net.request(url, { timeoutMs, insecure: true, maxBytes: 10_240 })
    return status >= 200 && status < 400 ? undefined : `HTTP status ${status}`
  } catch (error) {
    return explain(error)
  }
}
