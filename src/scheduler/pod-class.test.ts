import { expect, test } from 'vitest'
import type { Pod } from '../models/types/core-v1.ts'
import { ClusterState } from './cluster-state.ts'
import { makePod } from './testing/index.ts'

const plain = makePod('p', { requests: { cpu: '1' }, labels: { app: 'web' }, priority: 3 })
const claim = { name: 'data', persistentVolumeClaim: { claimName: 'c' } }
const disk = { name: 'disk', gcePersistentDisk: { pdName: 'd' } }
const token = (name: string) => ({ name, projected: { sources: [] } })
const { metadata: m, spec: s } = plain
const [container] = s.containers
const withSpec = (spec: Partial<Pod['spec']>): Pod => ({ ...plain, spec: { ...s, ...spec } })
const withMetadata = (metadata: Partial<Pod['metadata']>): Pod => ({ ...plain, metadata: { ...m, ...metadata } })

/** Each shares all but one thing with the first. */
const series: Pod[] = [
  plain,
  withMetadata({ name: 'q', uid: 'q' }),
  withSpec({ nodeName: 'n' }),
  withSpec({ volumes: [token('kube-api-access-1')] }),
  withSpec({ volumes: [claim] }),
  withSpec({ containers: [{ ...container!, volumeMounts: [{ name: 'x', mountPath: '/x' }] }] }),
  withMetadata({ namespace: 'other' }),
  withMetadata({ labels: { app: 'db' } }),
  withMetadata({ annotations: { a: 'b' } }),
  withMetadata({ deletionTimestamp: '2026-01-01T00:00:00Z' }),
  withMetadata({
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'r', controller: true }],
  }),
  withSpec({ priority: 4 }),
  withSpec({ preemptionPolicy: 'Never' }),
  withSpec({ schedulerName: 'mine' }),
  withSpec({ nodeSelector: { a: 'b' } }),
  withSpec({ affinity: {} }),
  withSpec({ tolerations: [{ operator: 'Exists' }] }),
  withSpec({ topologySpreadConstraints: [] }),
  withSpec({ overhead: { cpu: '1' } }),
  withSpec({ hostNetwork: true }),
  withSpec({ resourceClaims: [{ name: 'gpu', resourceClaimName: 'g' }] }),
  withSpec({ volumes: [disk] }),
  withSpec({ containers: [container!, container!] }),
  withSpec({ containers: [{ ...container!, image: 'other' }] }),
  withSpec({ containers: [{ ...container!, resources: { requests: { cpu: '2' } } }] }),
  withSpec({ containers: [{ ...container!, ports: [{ containerPort: 80, hostPort: 80 }] }] }),
  withSpec({ initContainers: [container!] }),
  { ...plain, status: { resourceClaimStatuses: [{ name: 'gpu', resourceClaimName: 'g' }] } },
]

test('pods that share parts fall into the classes that pods without any common part fall into', () => {
  const differences: string[] = []
  let same = 0
  for (const [i, a] of series.entries())
    for (const [j, b] of series.entries()) {
      const { classes } = new ClusterState()
      // The second must find the first one's class still there.
      const together = classes.admit(a).class === classes.admit(b).class
      const apart = classes.admit(structuredClone(a)).class === classes.admit(structuredClone(b)).class
      if (together !== apart) differences.push(`${i} ${j}`)
      if (i !== j && together) same++
    }
  expect(differences).toEqual([])
  expect(same).toBeGreaterThan(10)
})

test('a class that was let go by its last pod is a new one for the next', () => {
  const { classes } = new ClusterState()
  const first = classes.admit(plain)
  classes.release(first)
  const second = classes.admit(plain)
  expect([second.class === first.class, second.class.members, classes.size]).toEqual([false, 1, 1])
})
