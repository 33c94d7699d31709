import type { Hierarchy } from './hierarchy.ts'

/** How long a group's processes waited for something, since it was made. */
export interface Pressure {
  /** At least one of them. */
  waitingSeconds: number
  /** All of them at once. */
  stalledSeconds: number
}

export const pressed = ['cpu', 'memory', 'io'] as const

export type PressureOf = { [what in (typeof pressed)[number]]?: Pressure }

/**
 * What version 2 tells of it, where the kernel counts it at all.
 * @see https://docs.kernel.org/accounting/psi.html
 */
export async function readPressure(hierarchy: Hierarchy, group: string): Promise<PressureOf> {
  if (hierarchy.version === 1) return {}
  const texts = await Promise.all(pressed.map(what => hierarchy.read(what, group, `${what}.pressure`)))
  return Object.fromEntries(
    texts.flatMap((text, i) => {
      const waiting = totalSeconds(text, 'some')
      // Of processors in the group of all nothing but the first line is told by some kernels.
      return waiting === undefined
        ? []
        : [[pressed[i], { waitingSeconds: waiting, stalledSeconds: totalSeconds(text, 'full') ?? 0 }]]
    }),
  )
}

function totalSeconds(text: string, line: 'some' | 'full'): number | undefined {
  const micros = new RegExp(`^${line} .*\\btotal=(\\d+)`, 'm').exec(text)?.[1]
  return micros === undefined ? undefined : Number(micros) / 1e6
}
