import { expect, test } from 'vitest'
import { settle, VirtualClock } from '../../base/virtual-clock.ts'
import { CallFailed, type Connection } from './connection.ts'
import { CriImages } from './images.ts'

test('a slow pull says how much of its own layers has come, and is silent when it is over', async () => {
  const clock = new VirtualClock()
  let finish: (reply: object) => void = () => {}
  let come = 0
  const manifest = { config: {}, layers: [layer('a', 1_000_000), layer('b', 3_000_000)] }
  const blobs = new Map<string, object>([
    ['sha256:older', { config: {}, layers: [layer('z', 9_000_000)] }],
    ['sha256:config', { rootfs: {} }],
    ['sha256:manifest', manifest],
  ])
  const labels = (repository: string) => ({ 'containerd.io/distribution.source.r.io': repository })
  const info = (digest: string, seconds: number, repository = 'team/app') => ({
    ...{ digest, size: 500, labels: labels(repository) },
    created_at: { seconds, nanos: 0 },
  })
  const connection = {
    image: () => new Promise(resolve => (finish = resolve)),
    async containerd(_service: string, method: string, { digest }: { digest: string }) {
      if (method === 'ListStatuses')
        return {
          statuses: [
            { ref: 'layer-sha256:b', offset: (come += 1_500_000) },
            { ref: 'layer-sha256:z-of-another', offset: 7 },
          ],
        }
      if (digest === 'sha256:a') return { info: { digest, size: 1_000_000 } }
      throw new CallFailed(method, 5, 'not found')
    },
    async *containerdStream(_service: string, method: string, { digest }: { digest: string }) {
      if (method === 'List')
        yield {
          info: [
            info('sha256:older', 1),
            info('sha256:manifest', 2),
            info('sha256:config', 3),
            info('sha256:x', 4, 'b'),
          ],
        }
      else yield { data: Buffer.from(JSON.stringify(blobs.get(digest))) }
    },
  } as unknown as Connection
  const said: string[] = []
  const pull = new CriImages(connection, clock).pull(
    'r.io/team/app:1',
    { onProgress: ({ doneBytes, totalBytes }) => said.push(`${doneBytes} of ${totalBytes}`) },
    new AbortController().signal,
  )
  for (let i = 0; i < 2; i++) {
    await clock.advance(1_000)
    await settle(30)
  }
  finish({ image_ref: 'sha256:1' })
  expect(await pull).toBe('sha256:1')
  await clock.advance(5_000)
  expect(said).toEqual(['2500000 of 4000000', '4000000 of 4000000'])
})

const layer = (name: string, size: number) => ({ mediaType: 'layer', digest: `sha256:${name}`, size })

test("credentials and the pod's annotations go along; a refusal is explained", async () => {
  const asked: object[] = []
  const connection = {
    image: async (_method: string, request: object) => {
      asked.push(request)
      throw new CallFailed('PullImage', 2, 'failed to resolve reference "r.io/a:1": unexpected status: 403 Forbidden')
    },
  } as unknown as Connection
  const images = new CriImages(connection, new VirtualClock())
  const options = { credentials: { username: 'u', password: 'p' }, annotations: { a: 'b' }, runtimeHandler: 'kata' }
  await expect(images.pull('r.io/a:1', options, new AbortController().signal)).rejects.toThrow(
    'cannot pull image r.io/a:1: registry r.io does not let this login pull the image',
  )
  expect(asked).toEqual([
    {
      image: { image: 'r.io/a:1', annotations: { a: 'b' }, runtime_handler: 'kata' },
      auth: { username: 'u', password: 'p' },
    },
  ])
})
