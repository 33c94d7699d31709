import { type AgentOptions, type ShutdownStep, shutdownSteps } from '../agent/index.ts'
import { readDuration, readPairs } from './setting-readers.ts'

/** How long a machine with systemd waits for its pods when it is switched off, under kubelet's names. */
export interface ShutdownChoices {
  /** In all; 0: not at all. */
  shutdownGracePeriodMs: number
  /** Of that, what is kept for critical pods. */
  shutdownGracePeriodCriticalPodsMs: number
  /** Pods of a priority and above, up to the next one named here, get so long; instead of the other two. */
  shutdownGracePeriodByPodPriority: ShutdownStep[] | undefined
}

export const shutdownDefaults: ShutdownChoices = {
  shutdownGracePeriodMs: 30_000,
  shutdownGracePeriodCriticalPodsMs: 10_000,
  shutdownGracePeriodByPodPriority: undefined,
}

/** `0=20s,100000=10s` */
function readSteps(text: string): ShutdownStep[] {
  try {
    return Object.entries(readPairs(text)).map(([priority, grace]) => {
      if (!/^-?\d+$/.test(priority)) throw new Error(priority)
      return { priority: Number(priority), graceMs: readDuration(grace) }
    })
  } catch {
    throw new Error('is not PRIORITY=DURATION,… such as 0=20s,100000=10s')
  }
}

/** The flag of each, and how its text is read. */
export const shutdownRules: { [K in keyof ShutdownChoices]: { name: string; read(text: string): ShutdownChoices[K] } } =
  {
    shutdownGracePeriodMs: { name: 'shutdown-grace-period', read: readDuration },
    shutdownGracePeriodCriticalPodsMs: { name: 'shutdown-grace-period-critical-pods', read: readDuration },
    shutdownGracePeriodByPodPriority: { name: 'shutdown-grace-period-by-pod-priority', read: readSteps },
  }

/** What is wrong with them together; undefined: nothing. @param given those that somebody set */
export function shutdownContradiction(settings: ShutdownChoices, given: ReadonlySet<string>): string | undefined {
  if (!given.has('shutdownGracePeriodByPodPriority')) return undefined
  // Kubelet's files say 0s where they say nothing.
  const other = (['shutdownGracePeriodMs', 'shutdownGracePeriodCriticalPodsMs'] as const).find(
    key => given.has(key) && settings[key] > 0,
  )
  return other && `--shutdown-grace-period-by-pod-priority takes the place of --${shutdownRules[other].name}`
}

export function shutdownOptions(settings: ShutdownChoices): Pick<AgentOptions, 'shutdown'> {
  const { shutdownGracePeriodMs: total, shutdownGracePeriodCriticalPodsMs: critical } = settings
  const steps = settings.shutdownGracePeriodByPodPriority ?? (total ? shutdownSteps(total, critical) : [])
  return steps.length ? { shutdown: { steps } } : {}
}
