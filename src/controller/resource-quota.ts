import { sameMeaning } from '../base/equality.ts'
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
import { type AnyObject, keyOf } from '../models/object.ts'
import { addUsage, quotaApplies, type Usage, usageOf } from '../models/quota-usage.ts'
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
      const quota = world.cache.get(ResourceQuota, key)
      if (!quota || quota.metadata.deletionTimestamp) return
      const hard = quota.spec?.hard ?? {}
      const { usage, polled } = await count(world, quota)
      const used = Object.fromEntries(Object.keys(hard).map(name => [name, usage[name] ?? '0']))
      if (!sameMeaning(quota.status?.hard, hard) || !sameMeaning(quota.status?.used, used)) {
        try {
          await world.client.updateStatus(ResourceQuota, { ...structuredClone(quota), status: { hard, used } })
        } catch (error) {
          if (!isNotFound(error)) throw error
        }
      }
      return { afterMs: polled ? recountOthersMs : recountMs }
    },
  }
}

async function count(world: World, quota: ResourceQuota): Promise<{ usage: Usage; polled: boolean }> {
  const namespace = quota.metadata.namespace!
  let usage: Usage = {}
  const add = (kind: Kind<any>, objects: readonly AnyObject[]) => {
    for (const object of objects) if (quotaApplies(quota, kind, object)) usage = addUsage(usage, usageOf(kind, object))
  }
  for (const kind of watched) add(kind, world.cache.list(kind, namespace))
  add(ResourceQuota, world.cache.list(ResourceQuota, namespace))
  const others = Object.keys(quota.spec?.hard ?? {}).filter(
    name => name.startsWith('count/') && usage[name] === undefined,
  )
  const unknown = others.filter(name => !watched.some(k => name === countName(k)))
  if (unknown.length)
    for (const { kind } of (await discoverKinds(world.client)).kinds)
      if (unknown.includes(countName(kind))) add(kind, (await world.client.list(kind, { namespace })).items)
  return { usage, polled: unknown.length > 0 }
}

const countName = (kind: Kind<any>) => (kind.group ? `count/${kind.plural}.${kind.group}` : `count/${kind.plural}`)
