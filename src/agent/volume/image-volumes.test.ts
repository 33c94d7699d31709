import { expect, test } from 'vitest'
import type { Disk } from '../../base/disk.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { ImageContents } from '../../runtime/image-contents.ts'
import type { Images, ImageWish } from '../image/images.ts'
import { StepFailed } from '../pod/step-failed.ts'
import { releaseImageVolumes, setUpImageVolume } from './image-volumes.ts'

const { signal } = new AbortController()
const pod = { metadata: { name: 'web' }, spec: {} } as Pod
const volume = { name: 'm', image: { reference: 'r.io/m:1', pullPolicy: 'Always' as const } }

/** A node that notes what is asked of it. @param mounts whether it mounts images itself */
function nodeWith(mounts: boolean) {
  const asked: unknown[] = []
  const images: Images = {
    async provide(_pod, wish: ImageWish) {
      asked.push(wish)
      return 'sha256:m'
    },
  }
  const contents = {
    async mount(image: string, folder: string) {
      asked.push(`${image} at ${folder}`)
      return mounts
    },
    release: async (folder: string) => void asked.push(`release ${folder}`),
  } as unknown as ImageContents
  const disk = { list: async () => [{ name: 'm' }, { name: 'n' }] } as unknown as Disk
  return { asked, images, contents, disk }
}

test('a volume of an image is pulled as it says, mounted below the pod, and let go by its folder', async () => {
  const node = nodeWith(true)
  expect(await setUpImageVolume(node, pod, volume, '/pods/1', signal)).toEqual({ path: '/pods/1/volumes/image/m' })
  await releaseImageVolumes(node, '/pods/1')
  expect(node.asked).toEqual([
    { image: 'r.io/m:1', imagePullPolicy: 'Always' },
    'sha256:m at /pods/1/volumes/image/m',
    'release /pods/1/volumes/image/m',
    'release /pods/1/volumes/image/n',
  ])
})

test('a runtime that mounts images itself is given the image', async () => {
  expect(await setUpImageVolume(nodeWith(false), pod, volume, '/pods/1', signal)).toEqual({ image: 'sha256:m' })
})

test('a node without images says so', async () => {
  const { images, disk } = nodeWith(true)
  await expect(setUpImageVolume({ images, disk }, pod, volume, '/pods/1', signal)).rejects.toThrow('has no images')
})

test('why the image cannot be had is why containers that mount it wait', async () => {
  const node = nodeWith(true)
  const images: Images = { provide: () => Promise.reject(new StepFailed('ErrImageNeverPull', 'not present')) }
  const failed = await setUpImageVolume({ ...node, images }, pod, volume, '/pods/1', signal).catch(error => error)
  expect(failed).toMatchObject({ reason: 'ErrImageNeverPull', message: 'not present', volume: 'm' })
})
