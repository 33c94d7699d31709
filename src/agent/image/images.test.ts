import { describe, expect, test } from 'vitest'
import type { Rate } from '../../base/token-buckets.ts'
import { settle, VirtualClock } from '../../base/virtual-clock.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { ImagePullFailed, type PullOptions, type Runtime } from '../../runtime/runtime.ts'
import { StepFailed } from '../pod/step-failed.ts'
import { createImages } from './images.ts'

const never = new AbortController().signal
const pod = { metadata: { name: 'web', namespace: 'default' }, spec: {} } as Pod

/** A node whose pulls end as `pull` says. */
function nodeWith(pull: (options: PullOptions) => Promise<string>, pullRate?: Rate) {
  const clock = new VirtualClock()
  const said: string[] = []
  const asked: string[] = []
  const note = (_: unknown, reason: string, message: string) => void said.push(`${reason}: ${message}`)
  const images = createImages({
    runtime: {
      pull: (_image: string, options: PullOptions) => pull(options),
      imagePresent: async () => undefined,
      images: async () => [],
    } as unknown as Runtime,
    events: { normal: note, warning: note } as never,
    objects: {} as never,
    clock,
    pullRate,
    peers: {
      async bring(image) {
        asked.push(image)
        return { ref: 'sha256:peer', node: 'node-2' }
      },
    },
  })
  return { clock, said, asked, provide: (wish: object) => images.provide(pod, { image: 'r.io/app:1', ...wish }, never) }
}

test('registries are asked as often as the node may, and no more', async () => {
  const at: number[] = []
  const rate = { perSecond: 1, burst: 2 }
  const node = nodeWith(async () => {
    at.push(node.clock.monotonicMs())
    return 'sha256:1'
  }, rate)
  const start = node.clock.monotonicMs()
  const all = [1, 2, 3, 4].map(n => node.provide({ image: `r.io/app:${n}`, imagePullPolicy: 'Always' }))
  await settle(10)
  for (let second = 1; second <= 4; second++) await node.clock.advance(1_000)
  await Promise.all(all)
  expect(at.map(ms => ms - start)).toEqual([0, 0, 1_000, 2_000])
})

test('a long pull says how far it is, in ever longer steps', async () => {
  let tell: PullOptions['onProgress']
  let finish: (ref: string) => void = () => {}
  const node = nodeWith(({ onProgress }) => {
    tell = onProgress
    return new Promise(resolve => (finish = resolve))
  })
  const pulled = node.provide({ imagePullPolicy: 'IfNotPresent' })
  await settle(10)
  for (let second = 1; second <= 40; second++) {
    await node.clock.advance(1_000)
    tell!({ doneBytes: second * 1_000_000, totalBytes: 120_000_000 })
  }
  finish('sha256:1')
  await pulled
  expect(node.said).toEqual([
    'Pulling: Pulling image "r.io/app:1"',
    'Pulling: Pulling image "r.io/app:1": 5.0 of 120 MB',
    'Pulling: Pulling image "r.io/app:1": 15 of 120 MB',
    'Pulling: Pulling image "r.io/app:1": 35 of 120 MB',
    'Pulled: Successfully pulled image "r.io/app:1" in 40.000s (40.000s including waiting). Image size: 0 bytes.',
  ])
})

describe('other nodes are asked for an image', () => {
  const failing = (registryAway: boolean) => async () => {
    throw new ImagePullFailed('r.io/app:1', 'no', { registryAway })
  }

  test('whose registry does not answer', async () => {
    const node = nodeWith(failing(true))
    expect(await node.provide({ imagePullPolicy: 'IfNotPresent' })).toBe('sha256:peer')
    expect(node.asked).toEqual(['r.io/app:1'])
    expect(node.said).toContain('Pulled: Image "r.io/app:1" came from node "node-2", as registry r.io cannot be had')
  })

  test.each([
    ['the registry refused it', false, 'IfNotPresent'],
    ['the registry is to be asked each time', true, 'Always'],
  ])('but not where %s', async (_, registryAway, imagePullPolicy) => {
    const node = nodeWith(failing(registryAway))
    await expect(node.provide({ imagePullPolicy })).rejects.toThrow(/^no$/)
    expect(node.asked).toEqual([])
  })
})

test('a pull that fails says once which image, why, and what to do', async () => {
  const node = nodeWith(async () => {
    throw new ImagePullFailed('r.io/app:1', 'registry r.io has no such image (not found)', { hint: 'Check the tag.' })
  })
  const why = 'registry r.io has no such image (not found). Check the tag.'
  await expect(node.provide({ imagePullPolicy: 'Always' })).rejects.toThrow(new StepFailed('ErrImagePull', why))
  expect(node.said).toContain(`Failed: Failed to pull image "r.io/app:1": ${why}`)
})
