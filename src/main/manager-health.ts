import type { Clock } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Client } from '../client/index.ts'
import { isNotFound } from '../models/api-error.ts'
import { Lease } from '../models/kinds/index.ts'

/** Says why a part does not work; undefined when it does. */
type Check = () => Promise<string | undefined> | string | undefined

/** Of a part that one of several servers runs: whether anybody holds its Lease. It answers alike at each of them. */
export function leaseCheck(client: Client, clock: Clock, name: string): Check {
  return async () => {
    const place = `the Lease kube-system/${name}`
    try {
      const { spec } = await client.get(Lease, { namespace: 'kube-system', name })
      const endMs = Date.parse(spec?.renewTime ?? '') + (spec?.leaseDurationSeconds ?? 0) * 1_000
      if (spec?.holderIdentity && clock.now() < endMs) return undefined
      return `nobody leads: ${place} was last renewed at ${spec?.renewTime ?? 'no time'}; see the logs of the servers`
    } catch (error) {
      return isNotFound(error) ? `nobody leads yet: there is no ${place.slice(4)}` : explain(error)
    }
  }
}
