import { expect, it } from 'vitest'
import type { PersistentVolume, PersistentVolumeClaim } from '../../models/types/core-v1.ts'
import { resizeStep } from './resize-plan.ts'

interface Case {
  asked: string
  volume: string
  begun?: string
  phase?: string
  step: ReturnType<typeof resizeStep>
}

// The claim has 1Gi throughout.
it.each<Case>([
  { asked: '1Gi', volume: '1Gi', step: undefined },
  { asked: '3Gi', volume: '1Gi', step: { size: '3Gi' } },
  { asked: '3Gi', volume: '1Gi', begun: '5Gi', phase: 'ControllerResizeInProgress', step: { size: '5Gi' } },
  { asked: '2Gi', volume: '1Gi', begun: '5Gi', phase: 'ControllerResizeInfeasible', step: { size: '2Gi' } },
  { asked: '9Gi', volume: '5Gi', begun: '5Gi', phase: 'NodeResizeInfeasible', step: { size: '5Gi' } },
  { asked: '5Gi', volume: '5Gi', begun: '5Gi', phase: 'NodeResizePending', step: undefined },
  { asked: '5Gi', volume: '5Gi', begun: '5Gi', phase: 'NodeResizeInProgress', step: undefined },
  { asked: '5Gi', volume: '5Gi', begun: '5Gi', phase: 'NodeResizeInfeasible', step: 'tryNode' },
  { asked: '2Gi', volume: '5Gi', begun: '5Gi', phase: 'ControllerResizeInProgress', step: { size: '5Gi' } },
  { asked: '5Gi', volume: '5Gi', begun: '5Gi', step: { size: '5Gi' } },
  { asked: '5Gi', volume: '5Gi', step: { size: '5Gi' } },
])('$asked asked, $volume there, $begun begun, $phase: $step', ({ asked, volume, begun, phase, step }) => {
  const claim = {
    spec: { resources: { requests: { storage: asked } } },
    status: {
      capacity: { storage: '1Gi' },
      ...(begun ? { allocatedResources: { storage: begun } } : {}),
      ...(phase ? { allocatedResourceStatuses: { storage: phase } } : {}),
    },
  } as unknown as PersistentVolumeClaim
  expect(resizeStep(claim, { spec: { capacity: { storage: volume } } } as unknown as PersistentVolume)).toEqual(step)
})
