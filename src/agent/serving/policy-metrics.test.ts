import { expect, it } from 'vitest'
import type { PolicyCount } from '../../models/node-network.ts'
import { policyFamilies } from './policy-metrics.ts'

const count = (policies: string[], packets: number, rule?: number): PolicyCount => ({
  ...{ direction: 'ingress', policies, packets, bytes: 0 },
  ...(rule === undefined ? {} : { rule }),
})
const values = (...asked: Parameters<typeof policyFamilies>) =>
  policyFamilies(...asked).filter(line => !line.startsWith('#'))

it('tells what each rule let in, and what was dropped in each namespace', () => {
  const counts = [
    count(['shop/web'], 3, 0),
    count(['shop/web'], 4, 1),
    count(['shop/web'], 5),
    count(['shop/deny', 'shop/web'], 6),
  ]
  expect(values(counts)).toEqual([
    'optiflow_network_policy_packets_total{namespace="shop",policy="web",direction="ingress",rule="0"} 3',
    'optiflow_network_policy_packets_total{namespace="shop",policy="web",direction="ingress",rule="1"} 4',
    'optiflow_network_policy_dropped_packets_total{namespace="shop",direction="ingress"} 11',
  ])
})

it('has no more lines than it may: what is beyond is told together', () => {
  const counts = [1, 2, 4].map((packets, i) => count([`shop/p${i}`], packets, 0))
  expect(values(counts, 1)).toEqual([
    'optiflow_network_policy_packets_total{namespace="shop",policy="p0",direction="ingress",rule="0"} 1',
    'optiflow_network_policy_packets_total{namespace="",policy="other",direction="ingress",rule=""} 6',
  ])
})
