import { expect, it } from 'vitest'
import type { Workload } from '../models/types/optiflow-v1.ts'
import { deploymentOf } from './workload-parts.ts'

const hookOf = (spec: Partial<Workload['spec']>) =>
  deploymentOf({
    apiVersion: 'optiflow.dev/v1',
    kind: 'Workload',
    metadata: { name: 'web', namespace: 'default', uid: 'u' },
    spec: { image: 'web:1', ...spec },
  } as Workload).spec.template.spec!.containers[0]!.lifecycle

it('a container that takes requests still answers while the nodes learn that it ends', () => {
  expect(hookOf({ ports: [{ port: 80 }] })).toEqual({ preStop: { sleep: { seconds: 2 } } })
  expect(hookOf({ ports: [{ port: 80 }], terminationGracePeriodSeconds: 3 })).toBeUndefined()
  expect(hookOf({})).toBeUndefined()
})
