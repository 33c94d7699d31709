import { expect, test } from 'vitest'
import { VirtualClock } from '../../base/virtual-clock.ts'
import { CallFailed, type Connection } from './connection.ts'
import { CriImages } from './images.ts'

test('a slow pull says how much has come, and is silent when it is over', async () => {
  const clock = new VirtualClock()
  let finish: (reply: object) => void = () => {}
  let offset = 0
  const connection = {
    image: () => new Promise(resolve => (finish = resolve)),
    containerd: async () => ({
      statuses: [
        { offset: (offset += 1_500_000), total: 4_000_000 },
        { offset: 0, total: 0 },
      ],
    }),
  } as unknown as Connection
  const said: string[] = []
  const pull = new CriImages(connection, clock).pull(
    'app:1',
    { onProgress: text => said.push(text) },
    new AbortController().signal,
  )
  await clock.advance(2_000)
  finish({ image_ref: 'sha256:1' })
  expect(await pull).toBe('sha256:1')
  await clock.advance(5_000)
  expect(said).toEqual([
    'pulling app:1: 1.5 of 4.0 MB of 1 layers in flight',
    'pulling app:1: 3.0 of 4.0 MB of 1 layers in flight',
  ])
})

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
