import type { Store } from '../../db/store.ts'
import type { Core } from '../core.ts'
import { componentStatusHandlers } from '../health/component-statuses.ts'
import type { HealthCheck, HealthChecks } from '../health/health.ts'
import type { StartSteps } from '../health/start-steps.ts'

interface OtherChecks {
  /** Of /livez and /readyz. */
  more?: Partial<HealthChecks> | undefined
  /** Parts beside this server; filled as they start. */
  components: ReadonlyMap<string, HealthCheck>
}

/** What /livez, /readyz and `kubectl get componentstatuses` look at. @param store the one that was given, unmeasured */
export function addChecks(
  core: Core,
  store: Store,
  steps: StartSteps,
  { more = {}, components }: OtherChecks,
): HealthChecks {
  const { cache, closing } = core
  const storeCheck: HealthCheck = () => store.revision().then(() => undefined)
  const live: [string, HealthCheck][] = [
    ['ping', () => undefined],
    ['log', () => undefined],
    ['etcd', storeCheck],
  ]
  core.computed.set(...componentStatusHandlers(() => new Map([...components, ['etcd-0', storeCheck]])))
  return {
    live: new Map<string, HealthCheck>([...live, ...steps.checks(), ...(more.live ?? [])]),
    ready: new Map<string, HealthCheck>([
      ...live,
      ['etcd-readiness', storeCheck],
      // Reads and deletions go on, which is what makes room: it lives, and whoever counts on it is told.
      ['store-room', () => store.obstacle?.()],
      ['informer-sync', () => (cache.healthy ? undefined : 'it does not follow the store')],
      ...steps.checks(),
      ['shutdown', () => (closing.aborted ? 'the server is closing' : undefined)],
      ...(more.ready ?? []),
    ]),
  }
}
