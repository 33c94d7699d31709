import type { Random } from '../../base/random.ts'
import type { Store } from '../../db/store.ts'
import { builtinKinds } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { AdmissionChain } from '../admission/chain.ts'
import { RemoteVersions } from '../aggregation/remote-versions.ts'
import { AuthorizerChain } from '../authz/authorizer.ts'
import type { Core } from '../core.ts'
import { Definitions } from '../custom/definitions.ts'
import { AdmissionMetrics } from '../metrics/admission-metrics.ts'
import { measuredStore } from '../metrics/measured-store.ts'
import { Metrics } from '../metrics/metrics.ts'
import { OutgoingCalls } from '../outgoing/outgoing-calls.ts'
import { ResourceTable } from '../resources.ts'
import { ObjectStore } from '../storage/object-store.ts'
import { FreshReads } from '../watch-cache/fresh-reads.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'
import { WatchCache } from '../watch-cache/watch-cache.ts'
import type { ApiServerOptions, Outside } from './options.ts'

/** The core with everything in the store loaded. Nobody may do anything yet, and nothing has to pass admission. */
export async function loadCore(
  options: ApiServerOptions,
  { clock, random, net, log }: Outside,
  closing: AbortSignal,
): Promise<{ core: Core; metrics: Metrics }> {
  await ensureBegun(options.store, random)
  const cache = new WatchCache({
    ...{ store: options.store, clock, log },
    ...(options.watchCacheSize ? { ringSize: options.watchCacheSize } : {}),
  })
  await cache.start()
  const resources = new ResourceTable(options.kinds ?? builtinKinds)
  const metrics = new Metrics(resources)
  metrics.follow(cache)
  const store = measuredStore(options.store, clock, [metrics.registry])
  const core: Core = {
    ...{ clock, random, log, store, resources, cache, closing },
    minWatchMs: options.minWatchMs ?? 1_800_000,
    reads: metrics.reads,
    fresh: options.shared ? new FreshReads(options.store, cache) : undefined,
    objects: new ObjectStore(store, cache),
    admission: new AdmissionChain([], new AdmissionMetrics([metrics.registry], clock)),
    authorizer: new AuthorizerChain(),
    outgoing: new OutgoingCalls(() => core, net, clock),
    remotes: new RemoteVersions(() => core),
    moreSubresources: new Map(),
    views: new Map(),
    computed: new Map(),
    annotate() {},
    shared: sharedForms(),
  }
  new Definitions(core).start()
  core.remotes.start()
  return { core, metrics }
}

/** A store at revision 0 gets its first entry: to clients, resourceVersion "0" means "any". */
async function ensureBegun(store: Store, random: Random): Promise<void> {
  if ((await store.revision()) > 0n) return
  await store.commit([{ key: '/cluster/id', value: Buffer.from(random.uuid()) }], new Map())
}

/** Parsed forms that live as long as what they are the form of. */
function sharedForms(): (object: KeptObject) => AnyObject {
  const parsed = new WeakMap<KeptObject, AnyObject>()
  return object => {
    let known = parsed.get(object)
    if (!known) parsed.set(object, (known = object.value()))
    return known
  }
}
