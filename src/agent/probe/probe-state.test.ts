import { describe, expect, it } from 'vitest'
import { newProbeState, nextLookMs, settingsOf, takeAnswer, type Verdict } from './probe-state.ts'

describe('a probe', () => {
  const run = (answers: string, probe: object) => {
    const state = newProbeState('readiness')
    return [...answers].map(answer => takeAnswer(state, settingsOf(probe), answer === '+'))
  }
  const words: Record<string, Verdict> = { '.': 'none', p: 'passed', f: 'failed' }
  it.each([
    ['+', {}, 'p'],
    ['---', {}, '..f'],
    ['--+---', {}, '..p..f'],
    ['+++', { successThreshold: 3 }, '..p'],
    ['++-+++', { successThreshold: 3, failureThreshold: 1 }, '..f..p'],
    ['----', { failureThreshold: 2 }, '.fff'],
    ['++', {}, 'p.'],
  ])('answers %s with %j give %s', (answers, probe, wanted) => {
    expect(run(answers, probe)).toEqual([...wanted].map(letter => words[letter]))
  })

  it('looks in quickly until the first success, for connections only', () => {
    const settings = settingsOf({ periodSeconds: 1 })
    const state = newProbeState('readiness')
    const looks: number[] = []
    for (let ms = nextLookMs(state, settings, true); ms !== undefined; ms = nextLookMs(state, settings, true)) {
      looks.push(ms)
      state.looks++
    }
    expect(looks).toEqual([50, 100, 200, 400])
    expect(nextLookMs(newProbeState('readiness'), settings, false)).toBeUndefined()
    expect(nextLookMs(newProbeState('liveness'), settings, true)).toBeUndefined()
  })
})
