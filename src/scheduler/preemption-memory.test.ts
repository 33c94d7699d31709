import { expect, test } from 'vitest'
import { seededRandom } from '../base/random.ts'
import { ClusterState } from './cluster-state.ts'
import { Decider } from './decider.ts'
import { Nominations } from './nominations.ts'
import { defaultProfile } from './plugins/index.ts'
import type { PodInfo } from './pod-class.ts'
import { findEviction } from './preemption.ts'
import { makeNode, makePod, type PodSketch } from './testing/index.ts'

test('what is remembered of nodes is what looking anew finds: 25 random histories', () => {
  const seen = { evictions: 0, differences: [] as number[] }
  for (let seed = 1; seed <= 25; seed++) liveThrough(seed, seen)
  expect(seen.differences).toEqual([])
  expect(seen.evictions).toBeGreaterThan(100)
})

/** One decider asks for room again and again while pods come, go and are promised room, and each time one that knows nothing does. */
function liveThrough(seed: number, seen: { evictions: number; differences: number[] }): void {
  const random = seededRandom(seed)
  const below = (n: number) => Math.floor(random.next() * n)
  const state = new ClusterState()
  const nominations = new Nominations()
  const decider = new Decider(defaultProfile, state, nominations.on)
  const placed: { info: PodInfo; on: string }[] = []
  const admit = (name: string, sketch: PodSketch) => state.classes.admit(makePod(name, sketch))
  const nodeOf = (name: string) => makeNode(name, { allocatable: { cpu: `${3 + below(2)}` } })
  const cpus = () => ({ requests: { cpu: `${1 + below(2)}` } })
  for (let i = 0; i < 3; i++) state.setNode(nodeOf(`n${i}`))
  const important = ['3', '2', '3', '2'].map((cpu, i) => admit(`i${i}`, { priority: 5, requests: { cpu } }))
  const rival = admit('rival', { priority: 7, requests: { cpu: '2' } })
  for (let turn = 0; turn < 25; turn++) {
    const on = `n${below(3)}`
    const what = random.next()
    if (what < 0.3 && placed.length) {
      const [gone] = placed.splice(below(placed.length), 1)
      state.removePod(gone!.info, gone!.on)
    } else if (what < 0.4) state.setNode(nodeOf(on))
    else if (what < 0.6) nominations.set([rival, ...important][below(5)]!, random.next() < 0.5 ? on : undefined)
    else {
      const info = admit(`p${turn}`, {
        on,
        priority: below(4),
        startTime: `2026-01-0${1 + below(9)}T00:00:00Z`,
        ...cpus(),
      })
      state.addPod(info, on)
      placed.push({ info, on })
    }
    for (const asking of important) {
      const decision = decider.decide(asking)
      if (decision.node) continue
      const find = (by: Decider) => {
        const { eviction } = findEviction(asking, decision, state, by, [])
        return eviction && [eviction.node.name, ...eviction.victims.map(v => v.keyText)].join(' ')
      }
      const found = find(decider)
      if (found) seen.evictions++
      if (found !== find(new Decider(defaultProfile, state, nominations.on))) seen.differences.push(seed)
    }
  }
}
