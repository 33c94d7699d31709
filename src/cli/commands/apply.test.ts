import { expect, test } from 'vitest'
import type { ServedResource } from '../resource-names.ts'
import { resourceOfObject } from './apply.ts'

const served = [
  { group: 'apps', version: 'v1', kind: 'Deployment' },
  { group: 'optiflow.dev', version: 'v1', kind: 'Workload' },
  { group: '', version: 'v1', kind: 'Event' },
  { group: 'events.k8s.io', version: 'v1', kind: 'Event' },
] as ServedResource[]

test.each([
  ['Wrokload', 'optiflow.dev/v1', 'Did you mean kind: Workload with apiVersion: optiflow.dev/v1?'],
  ['Deployment', 'extensions/v1beta1', 'Did you mean kind: Deployment with apiVersion: apps/v1?'],
  ['Event', 'v2', 'Did you mean kind: Event with apiVersion: v1 or events.k8s.io/v1?'],
  ['Spaceship', 'v1', 'Check apiVersion and kind; a custom kind needs its CustomResourceDefinition first.'],
])('a %s of %s is not served, and what may be meant is said', (kind, apiVersion, hint) => {
  const refused = () =>
    resourceOfObject(served, { apiVersion, kind, metadata: { name: 'x', resourceVersion: '', uid: '' } })
  expect(refused).toThrow(
    expect.objectContaining({ message: `no matches for kind "${kind}" in version "${apiVersion}"`, hint }),
  )
})
