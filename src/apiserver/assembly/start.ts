import type { Aggregation } from '../aggregation/aggregation.ts'
import { sayNotedSince } from '../authn/legacy-tokens.ts'
import { bootstrapNamespaceRoles, bootstrapRoles } from '../authz/rbac/bootstrap-roles.ts'
import { bootstrap } from '../bootstrap/bootstrap.ts'
import type { Core } from '../core.ts'
import { EventKeeper } from '../events/event-keeper.ts'
import { keepFlowConfiguration } from '../flow-control/keep-configuration.ts'
import type { StartSteps } from '../health/start-steps.ts'
import type { ApiServerOptions } from './options.ts'

/** Makes what every cluster has, and begins to look after it. @param serviceAddress of the API inside the cluster */
export async function startHouse(
  core: Core,
  { events, tokenKeys }: ApiServerOptions,
  parts: { aggregation: Aggregation; steps: StartSteps; serviceAddress: string },
): Promise<void> {
  const { aggregation, steps, serviceAddress } = parts
  steps.done('cache', 'definitions')
  await bootstrapRoles(core)
  await bootstrap(core, { serviceAddress })
  if (tokenKeys) await sayNotedSince(core)
  await bootstrapNamespaceRoles(core)
  steps.done('roles', 'objects')
  await keepFlowConfiguration(core)
  steps.done('flows')
  await aggregation.start()
  steps.done('aggregation')
  new EventKeeper(core, events).start()
}
