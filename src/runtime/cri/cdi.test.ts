import { expect, it } from 'vitest'
import { containerSpec } from '../testing/specs.ts'
import { type CdiFile, withCdiDevices } from './cdi.ts'

const files: CdiFile[] = [
  {
    kind: 'gpu.test/card',
    containerEdits: { env: ['DRIVER=1=2'] },
    devices: [
      {
        name: 'a',
        containerEdits: {
          env: ['CARD=a'],
          deviceNodes: [{ path: '/dev/card', hostPath: '/dev/null' }],
          mounts: [{ hostPath: '/usr/lib/gpu', containerPath: '/gpu', options: ['ro', 'bind'] }],
        },
      },
      { name: 'b', containerEdits: { deviceNodes: [{ path: '/dev/zero', permissions: 'r' }] } },
      { name: 'hooked', containerEdits: { hooks: [{}] } },
    ],
  },
]
const wanting = (...names: string[]) => containerSpec('image', 'ref', 'true', { cdiDevices: names })

it('the edits of CDI devices are made, those of their kind once', () => {
  const { env, mounts, devices, cdiDevices } = withCdiDevices(wanting('gpu.test/card=a', 'gpu.test/card=b'), files)
  expect({ env, mounts, devices, cdiDevices }).toEqual({
    env: [
      { name: 'CARD', value: 'a' },
      { name: 'DRIVER', value: '1=2' },
    ],
    mounts: [{ hostPath: '/usr/lib/gpu', containerPath: '/gpu', readOnly: true, propagation: 'private' }],
    devices: [
      { hostPath: '/dev/null', containerPath: '/dev/card', permissions: 'rwm' },
      { hostPath: '/dev/zero', containerPath: '/dev/zero', permissions: 'r' },
    ],
    cdiDevices: undefined,
  })
})

it('a device that nobody tells of, and one that needs more, is refused with the reason', () => {
  expect(() => withCdiDevices(wanting('gpu.test/card=c'), files)).toThrow(
    'unresolvable CDI devices gpu.test/card=c: no file in /etc/cdi, /var/run/cdi tells of it',
  )
  expect(() => withCdiDevices(wanting('gpu.test/card=hooked'), files)).toThrow(
    'CDI device gpu.test/card=hooked asks for hooks, which needs containerd 1.7 or newer',
  )
})
