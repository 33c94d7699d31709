import type { Clock } from '../../base/clock.ts'
import type { PodInfo } from '../pod-class.ts'
import { type Explainer, findChanges } from './explain.ts'
import { askAll } from './refusals.ts'

/** One part in so many of the time goes into hints. */
const share = 50

/** The smallest change that would let a pod in, for its event, as long as looking for it takes little of the time. */
export class Hints {
  readonly #clock: Clock
  #nextMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A sentence to put behind another, or ''. */
  for(info: PodInfo, world: Explainer): string {
    const beganMs = this.#clock.monotonicMs()
    if (beganMs < this.#nextMs) return ''
    const { refused } = askAll(world.decider.actives(info), world.state)
    const [smallest] = findChanges(info, refused, world)
    const nowMs = this.#clock.monotonicMs()
    this.#nextMs = nowMs + share * (nowMs - beganMs)
    return smallest ? ` Smallest change: ${smallest.text}.` : ''
  }
}
