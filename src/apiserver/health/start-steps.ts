import type { HealthCheck } from './health.ts'

/** What is done once before the server is ready, and the hooks of kube-apiserver that do the same, in its order. */
const hooks = {
  // Which addresses and node ports are taken is read from the Services in the cache: nothing is left to repair.
  cache: [
    'start-apiserver-admission-initializer',
    'generic-apiserver-start-informers',
    'start-service-ip-repair-controllers',
  ],
  flows: [
    'priority-and-fairness-config-consumer',
    'priority-and-fairness-filter',
    'priority-and-fairness-config-producer',
  ],
  definitions: ['start-apiextensions-informers', 'start-apiextensions-controllers', 'crd-informer-synced'],
  roles: ['rbac/bootstrap-roles'],
  objects: [
    'start-system-namespaces-controller',
    'start-cluster-authentication-info-controller',
    'scheduling/bootstrap-system-priority-classes',
    'bootstrap-controller',
  ],
  aggregation: [
    'start-kube-aggregator-informers',
    'apiservice-status-local-available-controller',
    'apiservice-status-remote-available-controller',
    'apiservice-registration-controller',
    'apiservice-discovery-controller',
    'kube-apiserver-autoregistration',
    'apiservice-openapi-controller',
    'apiservice-openapiv3-controller',
  ],
} as const

export type StartStep = keyof typeof hooks

/** How far the start has come, as checks under the names by which kube-apiserver's users know them. */
export class StartSteps {
  readonly #done = new Set<StartStep>()

  done(...steps: StartStep[]): void {
    for (const step of steps) this.#done.add(step)
  }

  checks(): [string, HealthCheck][] {
    const check = (step: StartStep) => () => (this.#done.has(step) ? undefined : 'not finished')
    const all = Object.entries(hooks).flatMap(([step, names]) =>
      names.map((name): [string, HealthCheck] => [`poststarthook/${name}`, check(step as StartStep)]),
    )
    return [...all, ['autoregister-completion', check('aggregation')]]
  }
}
