import type { HealthCheck } from './health.ts'

export type StartStep = 'cache' | 'flows' | 'definitions' | 'roles' | 'objects' | 'aggregation'

/** The checks of kube-apiserver for what is done once before it is ready, in its order, and which step of ours does the same. */
const hooks: readonly (readonly [string, StartStep])[] = [
  ['poststarthook/start-apiserver-admission-initializer', 'cache'],
  ['poststarthook/generic-apiserver-start-informers', 'cache'],
  ['poststarthook/priority-and-fairness-config-consumer', 'flows'],
  ['poststarthook/priority-and-fairness-filter', 'flows'],
  // How many objects there are of each kind is read from the cache.
  ['poststarthook/storage-object-count-tracker-hook', 'cache'],
  ['poststarthook/start-apiextensions-informers', 'definitions'],
  ['poststarthook/start-apiextensions-controllers', 'definitions'],
  ['poststarthook/crd-informer-synced', 'definitions'],
  ['poststarthook/start-system-namespaces-controller', 'objects'],
  ['poststarthook/start-cluster-authentication-info-controller', 'objects'],
  ['poststarthook/start-kube-apiserver-identity-lease-controller', 'objects'],
  ['poststarthook/start-kube-apiserver-identity-lease-garbage-collector', 'objects'],
  ['poststarthook/start-legacy-token-tracking-controller', 'objects'],
  // Which addresses and node ports are taken is read from the Services in the cache: nothing is left to repair.
  ['poststarthook/start-service-ip-repair-controllers', 'cache'],
  ['poststarthook/rbac/bootstrap-roles', 'roles'],
  ['poststarthook/scheduling/bootstrap-system-priority-classes', 'objects'],
  ['poststarthook/priority-and-fairness-config-producer', 'flows'],
  ['poststarthook/bootstrap-controller', 'objects'],
  ['poststarthook/aggregator-reload-proxy-client-cert', 'aggregation'],
  ['poststarthook/start-kube-aggregator-informers', 'aggregation'],
  ['poststarthook/apiservice-status-local-available-controller', 'aggregation'],
  ['poststarthook/apiservice-status-remote-available-controller', 'aggregation'],
  ['poststarthook/apiservice-registration-controller', 'aggregation'],
  ['poststarthook/apiservice-discovery-controller', 'aggregation'],
  ['poststarthook/kube-apiserver-autoregistration', 'aggregation'],
  ['autoregister-completion', 'aggregation'],
  ['poststarthook/apiservice-openapi-controller', 'aggregation'],
  ['poststarthook/apiservice-openapiv3-controller', 'aggregation'],
]

/** How far the start has come, as checks under the names by which kube-apiserver's users know them. */
export class StartSteps {
  readonly #done = new Set<StartStep>()

  done(...steps: StartStep[]): void {
    for (const step of steps) this.#done.add(step)
  }

  checks(): [string, HealthCheck][] {
    return hooks.map(([name, step]) => [name, () => (this.#done.has(step) ? undefined : 'not finished')])
  }
}
