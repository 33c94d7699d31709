import { sameMeaning } from '../base/equality.ts'
import { explain } from '../base/errors.ts'
import type { Reconciler, World } from '../client/reconciler.ts'
import { isConflict, isNamespaceTerminating, isNotFound } from '../models/api-error.ts'
import { Endpoints, Pod, Service } from '../models/kinds/index.ts'
import { keyOf, keyText, type ObjectKey } from '../models/object.ts'
import { subsetsOf, truncated } from './endpoint-subsets.ts'
import {
  headlessLabel,
  isHeadless,
  leaderAnnotation,
  podsBehind,
  selectedPods,
  selectsPods,
  servicesOf,
  triggerTimeAnnotation,
} from './service-pods.ts'
import { TriggerTimes } from './trigger-times.ts'

/** Marks Endpoints as made here, so that those whose Service vanished while nobody looked can be told from people's own. */
export const endpointsManagedByLabel = 'endpoints.kubernetes.io/managed-by'
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity'
const manager = 'endpoint-controller'

/** Keeps one Endpoints object per Service with a selector: the older, flat form of EndpointSlices. */
export function endpointsReconciler(): Reconciler {
  const times = new TriggerTimes()
  return {
    name: 'endpoints',
    eventsFrom: 'endpoint-controller',
    primary: Service,
    watches: [
      { kind: Pod, keys: servicesOf },
      {
        kind: Endpoints,
        keys: (e: Endpoints) => (e.metadata.labels?.[endpointsManagedByLabel] === manager ? [keyOf(e)] : []),
      },
    ],
    writes: [{ kind: Endpoints, part: 'owned' }],
    async reconcile(key, world) {
      const service = world.cache.get(Service, key)
      if (!service) {
        times.forget(key)
        return removeLeftover(world, key)
      }
      if (selectsPods(service)) return publish(world, service, times)
    },
  }
}

async function removeLeftover(world: World, key: ObjectKey): Promise<void> {
  const { cache, client } = world
  const left = cache.get(Endpoints, key)
  if (!left || left.metadata.annotations?.[leaderAnnotation] || left.metadata.deletionTimestamp) return
  try {
    await client.get(Service, key)
  } catch (error) {
    if (!isNotFound(error)) throw error
    await client.delete(Endpoints, key, { uid: left.metadata.uid }).catch(ignoreGone)
  }
}

function ignoreGone(error: unknown): void {
  if (!isNotFound(error) && !isConflict(error)) throw error
}

async function publish(world: World, service: Service, times: TriggerTimes): Promise<void> {
  const { cache, client, events } = world
  const key = keyOf(service)
  const pods = selectedPods(service, cache, service.spec?.publishNotReadyAddresses ?? false)
  const trigger = times.next(service, podsBehind(service, cache))
  const { subsets, overCapacity } = truncated(subsetsOf(service, pods))
  const labels: Record<string, string> = { ...service.metadata.labels, [endpointsManagedByLabel]: manager }
  delete labels[headlessLabel]
  if (isHeadless(service)) labels[headlessLabel] = ''

  const current = cache.get(Endpoints, key)
  const {
    [overCapacityAnnotation]: _,
    [triggerTimeAnnotation]: before,
    ...others
  } = current?.metadata.annotations ?? {}
  if (overCapacity) others[overCapacityAnnotation] = 'truncated'
  const dated = (time: string | undefined) => ({ ...others, ...(time ? { [triggerTimeAnnotation]: time } : {}) })
  const annotations = dated(trigger)
  try {
    if (!current) {
      await client.create(Endpoints, { metadata: { ...key, labels, annotations }, subsets })
      return
    }
    const same =
      sameMeaning(current.subsets ?? [], subsets) &&
      sameMeaning(current.metadata.labels, labels) &&
      sameMeaning(current.metadata.annotations ?? {}, dated(before))
    if (same) return
    await client.update(Endpoints, { ...current, metadata: { ...current.metadata, labels, annotations }, subsets })
  } catch (error) {
    if (isNamespaceTerminating(error)) return
    // Somebody was faster, often ourselves with what the cache has yet to show: the next look has it.
    if (isConflict(error)) throw error
    const name = keyText(key)
    const about = current ?? { apiVersion: 'v1', kind: 'Endpoints', metadata: { ...service.metadata, uid: '' } }
    if (current) events.warning(about, 'FailedToUpdateEndpoint', `Failed to update endpoint ${name}: ${explain(error)}`)
    else {
      const text = `Failed to create endpoint for service ${name}: ${explain(error)}`
      events.warning(about, 'FailedToCreateEndpoint', text)
    }
    throw error
  }
}
