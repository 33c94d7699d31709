import { expect, it } from 'vitest'
import { operationOf } from './operation.ts'

it('names calls as kubelet does', () => {
  const methods = ['Version', 'RunPodSandbox', 'ListPodSandboxStats', 'CreateContainer', 'ImageFsInfo', 'PortForward']
  expect([...methods, 'UpdateContainerResources', 'ExecSync'].map(operationOf)).toEqual([
    'version',
    'run_podsandbox',
    'list_podsandbox_stats',
    'create_container',
    'image_fs_info',
    'portforward',
    'update_container',
    'exec_sync',
  ])
})
