import type { AgentOptions } from '../agent/index.ts'
import { readDuration, readEviction, wholeNumber } from './setting-readers.ts'

/** When a node that runs short ends pods, under kubelet's names. What was not said is left to the agent. */
export interface EvictionChoices {
  /** `memory.available<100Mi,nodefs.available<10%` */
  evictionHard: string | undefined
  evictionSoft: string | undefined
  evictionSoftGracePeriod: string | undefined
  evictionMinimumReclaim: string | undefined
  /** The longest that a pod may take which a soft threshold ends, in seconds; -1: as long as it asked for. */
  evictionMaxPodGracePeriod: number
  /** How long the node says that it is short after it no longer is. */
  evictionPressureTransitionMs: number
}

export const evictionDefaults: EvictionChoices = {
  evictionHard: undefined,
  evictionSoft: undefined,
  evictionSoftGracePeriod: undefined,
  evictionMinimumReclaim: undefined,
  evictionMaxPodGracePeriod: -1,
  evictionPressureTransitionMs: 300_000,
}

/** The flag of each, and how its text is read. */
export const evictionRules: {
  [K in keyof EvictionChoices]: { name: string; read(text: string): EvictionChoices[K] }
} = {
  evictionHard: { name: 'eviction-hard', read: readEviction },
  evictionSoft: { name: 'eviction-soft', read: readEviction },
  evictionSoftGracePeriod: { name: 'eviction-soft-grace-period', read: readEviction },
  evictionMinimumReclaim: { name: 'eviction-minimum-reclaim', read: readEviction },
  evictionMaxPodGracePeriod: {
    name: 'eviction-max-pod-grace-period',
    read: text => (text === '-1' ? -1 : wholeNumber(text, 0, 86_400)),
  },
  evictionPressureTransitionMs: { name: 'eviction-pressure-transition-period', read: readDuration },
}

export function evictionOptions(settings: EvictionChoices): Pick<AgentOptions, 'eviction'> {
  const { evictionHard, evictionSoft, evictionSoftGracePeriod, evictionMinimumReclaim } = settings
  const { evictionMaxPodGracePeriod, evictionPressureTransitionMs } = settings
  return {
    eviction: {
      ...(evictionHard === undefined ? {} : { hard: evictionHard }),
      ...(evictionSoft === undefined ? {} : { soft: evictionSoft }),
      ...(evictionSoftGracePeriod === undefined ? {} : { softGracePeriod: evictionSoftGracePeriod }),
      ...(evictionMinimumReclaim === undefined ? {} : { minimumReclaim: evictionMinimumReclaim }),
      ...(evictionMaxPodGracePeriod < 0 ? {} : { maxPodGraceMs: evictionMaxPodGracePeriod * 1000 }),
      transitionMs: evictionPressureTransitionMs,
    },
  }
}
