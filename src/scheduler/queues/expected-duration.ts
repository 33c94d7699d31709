import type { Pod } from '../../models/types/core-v1.ts'

const annotation = 'optiflow.dev/expected-duration'
const unknownMs = 3_600_000
/** How much the latest run counts beside those before it. */
const weightOfLatest = 0.3
const mostRemembered = 10_000

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `90m`, `1h30m`, `2d`, or seconds. @returns undefined if it is none */
export function readDurationMs(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1_000
  if (!/^(\d+(\.\d+)?[smhd])+$/.test(text)) return undefined
  let ms = 0
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)) ms += Number(amount) * unitMs[unit!]!
  return ms
}

/** How long jobs are expected to run: as they say themselves, or as others like them did. */
export class ExpectedDurations {
  readonly #means = new Map<string, number>()

  /** Milliseconds: the annotation optiflow.dev/expected-duration, the pod's deadline, what was learned, or one hour. */
  of(pod: Pod, queue: string): number {
    const declared = readDurationMs(pod.metadata.annotations?.[annotation] ?? '')
    if (declared !== undefined) return declared
    const { activeDeadlineSeconds } = pod.spec
    const learned = this.#means.get(likeness(pod, queue)) ?? this.#means.get(queue)
    const deadlineMs = activeDeadlineSeconds === undefined ? undefined : activeDeadlineSeconds * 1_000
    return Math.min(learned ?? deadlineMs ?? unknownMs, deadlineMs ?? Number.POSITIVE_INFINITY)
  }

  /** One has ended that ran so long. */
  learn(pod: Pod, queue: string, ranMs: number): void {
    for (const key of [likeness(pod, queue), queue]) {
      const mean = this.#means.get(key)
      this.#means.delete(key)
      this.#means.set(key, mean === undefined ? ranMs : mean + weightOfLatest * (ranMs - mean))
    }
    if (this.#means.size > mostRemembered) this.#means.delete(this.#means.keys().next().value!)
  }
}

/** Jobs of one queue that run the same images with the same requests. */
function likeness({ spec }: Pod, queue: string): string {
  return JSON.stringify([queue, spec.containers.map(c => [c.image, c.args, c.resources?.requests])])
}
