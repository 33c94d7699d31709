import { timestamp } from '../../base/clock.ts'
import { sameMeaning } from '../../base/equality.ts'
import type { Reconciler } from '../../client/reconciler.ts'
import { Gateway } from '../kinds/index.ts'
import type { Attachments } from '../plan/attachments.ts'
import { isOpen, type PlannedListener } from '../plan/listeners.ts'
import type { AttachedOnce } from './attached.ts'
import { isFalse, isTrue, type Meant, withTimes } from './conditions.ts'

/** Tells of each Gateway that is served where it is reached, and what became of its listeners. */
export function gatewayStatusReconciler(addresses: readonly string[], attachedOnce: AttachedOnce): Reconciler {
  return {
    name: 'gateway-status',
    primary: Gateway,
    watches: attachedOnce.watches(Gateway),
    sources: attachedOnce.sources(Gateway),
    writes: [{ kind: Gateway, part: 'status' }],
    async reconcile(key, { cache, client, clock, events }) {
      const known = cache.get(Gateway, key)
      if (!known || known.metadata.deletionTimestamp) return
      const attached = attachedOnce.in(cache)
      const listeners = attached.listeners(key)
      if (!listeners.length) return
      const status = statusOf(known, listeners, attached.all, addresses, timestamp(clock))
      if (sameMeaning(known.status, status)) return
      await client.updateStatus(Gateway, { ...structuredClone(known), status })
      for (const { listener, refused } of listeners)
        if (refused?.reason === 'PortUnavailable')
          events.warning(known, refused.reason, `listener ${listener.name}: ${refused.message}`)
    },
  }
}

function statusOf(
  { spec, status, metadata }: Gateway,
  listeners: readonly PlannedListener[],
  attached: Attachments,
  addresses: readonly string[],
  now: string,
): NonNullable<Gateway['status']> {
  const { generation } = metadata
  return {
    addresses: addresses.map(value => ({ type: 'IPAddress', value })),
    conditions: withTimes(gatewayConditions(spec, listeners, addresses), status?.conditions, generation, now),
    listeners: listeners.map(listener => {
      const { name } = listener.listener
      const before = status?.listeners?.find(l => l.name === name)
      return {
        name,
        supportedKinds: listener.supportedKinds,
        attachedRoutes: countOf(listener, attached),
        conditions: withTimes(listenerConditions(listener), before?.conditions, generation, now),
      }
    }),
  }
}

function gatewayConditions(
  spec: Gateway['spec'],
  listeners: readonly PlannedListener[],
  addresses: readonly string[],
): Meant[] {
  const elsewhere = spec.addresses?.find(a => a.value && !addresses.includes(a.value))
  if (elsewhere) {
    const message = `address ${elsewhere.value} is not one of the gateway's: ${addresses.join(', ')}`
    return [isFalse('Accepted', 'UnsupportedAddress', message), isFalse('Programmed', 'AddressNotUsable', message)]
  }
  const closed = listeners.filter(listener => !isOpen(listener)).map(l => l.listener.name)
  const message = `listeners that are not served: ${closed.join(', ')}`
  if (closed.length === listeners.length)
    return [isFalse('Accepted', 'ListenersNotValid', message), isFalse('Programmed', 'Invalid', message)]
  return [
    closed.length ? isTrue('Accepted', 'ListenersNotValid', message) : isTrue('Accepted', 'Accepted', 'all is served'),
    isTrue('Programmed', 'Programmed', 'requests are served'),
  ]
}

function listenerConditions(planned: PlannedListener): Meant[] {
  const { refused, conflict, unresolved } = planned
  const against = refused ?? conflict
  return [
    against ? isFalse('Accepted', against.reason, against.message) : isTrue('Accepted'),
    isOpen(planned)
      ? isTrue('Programmed')
      : isFalse('Programmed', 'Invalid', (against ?? unresolved)?.message ?? 'it has no certificate'),
    unresolved ? isFalse('ResolvedRefs', unresolved.reason, unresolved.message) : isTrue('ResolvedRefs'),
    conflict
      ? { ...isTrue('Conflicted', conflict.reason, conflict.message) }
      : isFalse('Conflicted', 'NoConflicts', ''),
  ]
}

const countOf = (listener: PlannedListener, { routes }: Attachments) =>
  routes.filter(r => r.parents.some(p => !p.refused && p.listeners.some(l => l.listener === listener))).length
