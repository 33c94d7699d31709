import { sameMeaning } from '../base/equality.ts'
import type { Client } from '../client/client.ts'
import type { Cache, Reconciler, Watch, World } from '../client/reconciler.ts'
import { isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import {
  ConfigMap,
  CronJob,
  DaemonSet,
  Deployment,
  Job,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  StatefulSet,
} from '../models/kinds/index.ts'
import { type AnyObject, keyOf, type ObjectKey } from '../models/object.ts'
import { addUsage, countName, isQuotaNameOf, quotaApplies, type Usage, usageOf } from '../models/quota-usage.ts'
import { discoverKinds } from './served-kinds.ts'

/** Their changes recount at once; other kinds are asked for now and then. */
const watched: Kind<any>[] = [
  Pod,
  Service,
  ConfigMap,
  Secret,
  PersistentVolumeClaim,
  ReplicationController,
  Deployment,
  ReplicaSet,
  StatefulSet,
  DaemonSet,
  Job,
  CronJob,
]
const recountMs = 300_000
const recountOthersMs = 5_000

/** Recounts what each namespace uses of its quotas. Admission adds to it when it lets something in; what is freed shows here. */
export function resourceQuotaReconciler(): Reconciler {
  const quotasBeside = (object: AnyObject, cache: Cache) =>
    cache.list(ResourceQuota, object.metadata.namespace).map(keyOf)
  return {
    name: 'resource-quota',
    primary: ResourceQuota,
    watches: watched.map((kind): Watch => ({ kind, keys: quotasBeside })),
    writes: [{ kind: ResourceQuota, part: 'status' }],
    async reconcile(key, world) {
      const known = world.cache.get(ResourceQuota, key)
      if (!known || known.metadata.deletionTimestamp) return
      const kinds = await countedKinds(world, known)
      const again = { afterMs: kinds.every(kind => watched.includes(kind)) ? recountMs : recountOthersMs }
      const seen = await count(world, known, kinds, async kind => world.cache.list(kind, key.namespace))
      if (shows(known, seen.used)) return again
      // What informers know of each kind is of another moment. Admission counts in the same commit as it lets in, so what
      // is read after the quota has all that its numbers stand for, and whatever comes later changes its revision.
      const quota = await read(world.client, key)
      if (!quota) return
      const { used, error } = await count(world, quota, kinds, async kind => {
        const { items } = await world.client.list(kind, { namespace: key.namespace! })
        return items
      })
      if (!shows(quota, used)) await write(world.client, { ...quota, status: { hard: quota.spec?.hard ?? {}, used } })
      if (error !== undefined) throw error
      return again
    },
  }
}

/**
 * What of the quota's limits is used, by all objects that `list` gives. Of what could not be listed, or is of no kind that there is,
 * the number that was known before stays.
 */
async function count(
  world: World,
  quota: ResourceQuota,
  kinds: Kind<any>[],
  list: (kind: Kind<any>) => Promise<AnyObject[]>,
): Promise<{ used: Usage; error: unknown }> {
  let usage: Usage = {}
  let error: unknown
  const counted: Kind<any>[] = []
  for (const kind of kinds)
    try {
      for (const object of await list(kind))
        if (quotaApplies(quota, kind, object)) usage = addUsage(usage, usageOf(kind, object, world.clock.now()))
      counted.push(kind)
    } catch (cause) {
      error ??= cause
    }
  const { used: before = {} } = quota.status ?? {}
  const used = Object.keys(quota.spec?.hard ?? {}).flatMap(name => {
    const amount = counted.some(kind => isQuotaNameOf(kind, name)) ? (usage[name] ?? '0') : before[name]
    return amount === undefined ? [] : [[name, amount] as const]
  })
  return { used: Object.fromEntries(used), error }
}

const shows = ({ spec, status }: ResourceQuota, used: Usage) =>
  sameMeaning(status?.hard, spec?.hard ?? {}) && sameMeaning(status?.used, used)

/** The kinds of which the quota limits something. */
async function countedKinds({ client }: World, quota: ResourceQuota): Promise<Kind<any>[]> {
  const names = Object.keys(quota.spec?.hard ?? {})
  const limited = (kind: Kind<any>) => names.some(name => isQuotaNameOf(kind, name))
  const own = [...watched, ResourceQuota].filter(limited)
  const unknown = names.filter(name => name.startsWith('count/') && !own.some(kind => countName(kind) === name))
  if (!unknown.length) return own
  const { kinds } = await discoverKinds(client)
  return [...own, ...kinds.map(served => served.kind).filter(kind => unknown.includes(countName(kind)))]
}

async function read(client: Client, key: ObjectKey): Promise<ResourceQuota | undefined> {
  try {
    return await client.get(ResourceQuota, key)
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function write(client: Client, quota: ResourceQuota): Promise<void> {
  try {
    await client.updateStatus(ResourceQuota, quota)
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
