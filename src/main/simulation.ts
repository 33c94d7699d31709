import type { Client } from '../client/index.ts'
import type { Scenario, Simulation, WeightedPlugin } from '../scheduler/index.ts'
import type { OutsideWorld } from './outside.ts'
import { startScheduler } from './scheduling.ts'

export { templateOf as workloadTemplate } from '../controller/workload-parts.ts'
export type { Scenario, SimulatedPlacement, Simulation, Use } from '../scheduler/index.ts'
export { fromAlibaba, parseTable, podOfLine } from '../scheduler/index.ts'

/**
 * What would happen in the cluster behind `client`: reads it whole, forks it, and lets the scheduler's own code decide.
 * Nothing is written.
 */
export async function simulateCluster(
  client: Client,
  outside: OutsideWorld,
  scenario: Scenario,
  plugins: readonly WeightedPlugin[] = [],
): Promise<Simulation> {
  await using running = await startScheduler({ client, outside, watchOnly: true, plugins })
  return running.scheduler.simulate(scenario)
}
