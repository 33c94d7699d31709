import type { PolicyCount } from '../../models/node-network.ts'
import { family } from './text-form.ts'

/** Rules that have a line of their own; what is counted beyond is told together, as policy `other`. */
const longest = 1_000

/**
 * What network policies have seen, in Prometheus' text form: packets that rules let begin a connection, and packets that no
 * rule of a pod's policies allowed. The number of lines is bounded by the rules, never by pods or peers.
 */
export function policyFamilies(counts: readonly PolicyCount[], most = longest): string[] {
  const allowed = new Map<string, number>()
  const dropped = new Map<string, number>()
  const add = (to: Map<string, number>, labels: string, packets: number) =>
    to.set(labels, (to.get(labels) ?? 0) + packets)
  for (const { direction, policies, rule, packets } of counts) {
    const [namespace, policy] = policies[0]!.split('/')
    if (rule === undefined) {
      add(dropped, `namespace="${namespace}",direction="${direction}"`, packets)
      continue
    }
    const labels = `namespace="${namespace}",policy="${policy}",direction="${direction}",rule="${rule}"`
    const known = allowed.has(labels) || allowed.size < most
    add(allowed, known ? labels : `namespace="",policy="other",direction="${direction}",rule=""`, packets)
  }
  const rows = (name: string, values: ReadonlyMap<string, number>) =>
    [...values].map(([labels, value]) => `${name}{${labels}} ${value}`)
  const total = 'optiflow_network_policy_packets_total'
  const drops = 'optiflow_network_policy_dropped_packets_total'
  return [
    ...family(total, 'counter', 'Packets that a rule let begin a connection', rows(total, allowed)),
    ...family(drops, 'counter', 'Packets that no rule of the policies about a pod allows', rows(drops, dropped)),
  ]
}
