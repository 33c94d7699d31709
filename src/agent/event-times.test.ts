import { afterEach, expect, it } from 'vitest'
import { settle } from '../base/virtual-clock.ts'
import { Pod } from '../models/kinds/core/pod.ts'
import { Fixture, podDraft } from './testing/fixture.ts'

let fixture: Fixture | undefined
afterEach(() => fixture?.[Symbol.asyncDispose]())

it('who sees that a pod is ready can read how it was started', async () => {
  const f = (fixture = await new Fixture().start())
  await f.api.client.create<Pod>(Pod, podDraft('web'))
  const isReady = () => f.pod('web')!.status?.conditions?.some(c => c.type === 'Ready' && c.status === 'True')
  for (let ms = 0; ms < 10_000 && !isReady(); ms += 5) await f.clock.advance(5)
  await settle(16)
  expect(f.events().filter(event => event.startsWith('Started: '))).toHaveLength(1)
})
