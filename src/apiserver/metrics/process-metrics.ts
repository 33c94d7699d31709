import { collectDefaultMetrics, type Metric, Registry } from 'prom-client'

let once: Registry | undefined

/**
 * What prom-client tells of the process and of its runtime, the same for every server of a process. Its observer of collections
 * holds the registry that it was made with for ever: with one for each server, no server that has ended was ever given back.
 */
export function processMetrics(): readonly Metric[] {
  if (!once) {
    once = new Registry()
    collectDefaultMetrics({ register: once })
  }
  return once.getMetricsAsArray() as unknown as Metric[]
}
