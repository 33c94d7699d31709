import { expect, test } from 'vitest'
import type { Pod, PodGroup } from '../models/kinds/index.ts'
import { groupStatus } from './pod-group.ts'

const group = {
  apiVersion: 'scheduling.x-k8s.io/v1alpha1',
  kind: 'PodGroup',
  metadata: { namespace: 'a', name: 'g' },
  spec: { minMember: 2 },
} as PodGroup
const pod = (phase: string, nodeName?: string) =>
  ({ metadata: { namespace: 'a' }, spec: nodeName ? { nodeName } : {}, status: { phase } }) as unknown as Pod

test.each<[string, Pod[], string]>([
  ['waits for members', [pod('Pending')], 'Pending'],
  ['waits for room', [pod('Pending'), pod('Pending')], 'Scheduling'],
  ['has its places', [pod('Pending', 'n'), pod('Pending', 'n')], 'Scheduled'],
  ['runs', [pod('Running', 'n'), pod('Running', 'n'), pod('Pending')], 'Running'],
  ['is done', [pod('Succeeded', 'n'), pod('Succeeded', 'n')], 'Finished'],
  ['has failed', [pod('Succeeded', 'n'), pod('Failed', 'n')], 'Failed'],
])('a group %s', (_, pods, phase) => {
  expect(groupStatus(group, pods)).toMatchObject({ phase, scheduled: pods.filter(p => p.spec.nodeName).length })
})
