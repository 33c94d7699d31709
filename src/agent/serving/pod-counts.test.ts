import { expect, it } from 'vitest'
import { podCountFamilies, type WorkedPod } from './pod-counts.ts'

const pod = (about: Partial<WorkedPod>): WorkedPod => ({
  lifecycle: 'sync',
  config: 'desired',
  static: false,
  active: true,
  ...about,
})

it('counts pods by how far they are, by who wants them, and by where they are defined', () => {
  const lines = podCountFamilies(
    [
      pod({}),
      pod({}),
      pod({ lifecycle: 'terminated', active: false }),
      pod({ static: true }),
      pod({ lifecycle: 'terminating', config: 'orphan', active: false }),
      pod({ lifecycle: 'terminating', config: 'runtime_only', active: false }),
    ],
    1,
  )
  expect(lines.filter(line => !line.startsWith('#') && !line.endsWith(' 0'))).toEqual([
    'kubelet_active_pods{static=""} 2',
    'kubelet_active_pods{static="true"} 1',
    'kubelet_desired_pods{static=""} 3',
    'kubelet_desired_pods{static="true"} 1',
    'kubelet_mirror_pods 1',
    'kubelet_working_pods{config="desired",lifecycle="sync",static=""} 2',
    'kubelet_working_pods{config="desired",lifecycle="terminated",static=""} 1',
    'kubelet_working_pods{config="desired",lifecycle="sync",static="true"} 1',
    'kubelet_working_pods{config="orphan",lifecycle="terminating",static=""} 1',
    'kubelet_working_pods{config="runtime_only",lifecycle="terminating",static="unknown"} 1',
  ])
  expect(lines.filter(line => line.startsWith('kubelet_working_pods'))).toHaveLength(15)
})
