import { expect, test } from 'vitest'
import { Newest } from './newest.ts'
import { seededRandom } from './random.ts'

test('keeps what was put in last, as a plain list that is searched does: 20,000 random steps', () => {
  const random = seededRandom(5)
  const most = 7
  const kept = new Newest<number, number>(most)
  let plain: [number, number][] = []
  const differences: number[] = []
  for (let step = 0; step < 20_000; step++) {
    const key = Math.floor(random.next() * 20)
    if (random.next() < 0.2) {
      kept.delete(key)
      plain = plain.filter(([k]) => k !== key)
    } else {
      kept.set(key, step)
      plain = [...plain.filter(([k]) => k !== key), [key, step] as [number, number]].slice(-most)
    }
    const asked = Math.floor(random.next() * 20)
    const expected = plain.find(([k]) => k === asked)?.[1]
    if (kept.get(asked) !== expected || kept.size !== plain.length) differences.push(step)
  }
  expect(differences).toEqual([])
})
