import { expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { VirtualClock } from '../base/virtual-clock.ts'
import type { ObservedPod, Runtime } from '../runtime/runtime.ts'
import { RuntimeView } from './runtime-view.ts'

const pod = (uid: string, state: 'ready' | 'stopped' = 'ready'): ObservedPod => ({
  uid,
  name: uid,
  namespace: 'n',
  sandboxes: [{ id: `s-${uid}`, attempt: 0, state, createdAtMs: 0, ips: [] }],
  containers: [],
})

async function open(pods: ObservedPod[]) {
  const clock = new VirtualClock()
  const changed: string[] = []
  const world = {
    pods,
    looks: 0,
    fails: false,
    report: () => {},
    slowly: undefined as (() => Promise<void>) | undefined,
  }
  const runtime = {
    onChange(callback: () => void) {
      world.report = callback
      return () => {}
    },
    async observe(uid?: string) {
      world.looks++
      if (world.fails) throw new Error('gone')
      const { pods } = world
      const found = uid === undefined ? pods : pods.filter(pod => pod.uid === uid)
      if (uid === undefined) await world.slowly?.()
      return found
    },
  } as unknown as Runtime
  const view = new RuntimeView({
    runtime,
    clock,
    log: silentLogger,
    relistMs: 60_000,
    onChange: uid => changed.push(uid),
  })
  await view.start()
  return { clock, changed, world, view }
}

it('tells of pods that are new, changed or gone, and of no others', async () => {
  const { changed, world, view } = await open([pod('a'), pod('b'), pod('c')])
  expect(changed.splice(0)).toEqual(['a', 'b', 'c'])
  world.pods = [pod('a'), pod('b', 'stopped'), pod('d')]
  await view.refresh()
  expect(changed).toEqual(['b', 'd', 'c'])
  view.stop()
})

it('shares one look among all who ask while another is made', async () => {
  const { world, view } = await open([])
  world.looks = 0
  await Promise.all([view.refresh(), view.refresh(), view.refresh()])
  expect(world.looks).toBeLessThanOrEqual(2)
  view.stop()
})

it('heals what no event told, once a period, and waits for a runtime that is gone', async () => {
  const { clock, changed, world, view } = await open([])
  world.pods = [pod('a')]
  await clock.advance(60_000)
  expect(changed).toEqual(['a'])
  world.fails = true
  world.report()
  await clock.advance(3_000)
  expect(view.problem).toBe('gone')
  world.fails = false
  await clock.advance(1_000)
  expect(view.problem).toBeUndefined()
  view.stop()
})

it('looks at the pod that somebody names, and at no other', async () => {
  const { changed, world, view } = await open([pod('a'), pod('b')])
  changed.length = 0
  world.pods = [pod('a', 'stopped')]
  await view.refresh('a')
  expect(changed).toEqual(['a'])
  expect(view.get('b')).toBeDefined()
  world.pods = []
  await view.refresh('a')
  expect(view.get('a')).toBeUndefined()
  view.stop()
})

it('does not go back to what a longer look saw before a pod was looked at by itself', async () => {
  const { changed, world, view } = await open([pod('a'), pod('b')])
  let end!: () => void
  world.slowly = () => new Promise(resolve => (end = resolve))
  const all = view.refresh()
  world.pods = [pod('a', 'stopped'), pod('b', 'stopped')]
  changed.length = 0
  await view.refresh('a')
  end()
  await all
  expect(view.get('a')?.sandboxes[0]?.state).toBe('stopped')
  expect(changed).toEqual(['a'])
  view.stop()
})
