import type { AgentOptions } from '../agent/index.ts'
import { quantityToNumber } from '../base/quantity.ts'
import { readDuration, wholeNumber } from './setting-readers.ts'

/** How a node keeps images and logs from filling its disk, under kubelet's names and with its defaults. */
export interface DiskChoices {
  /** Percent of the images' disk above which unused images go, down to the second. */
  imageGcHighThresholdPercent: number
  imageGcLowThresholdPercent: number
  /** An image that was unused for less stays. */
  imageMinimumAgeMs: number
  /** An image that was unused for longer goes, however much room there is; 0: none does. */
  imageMaximumAgeMs: number
  /** Of each container's log file, and how many there are of it. */
  containerLogMaxBytes: number
  containerLogMaxFiles: number
  /** How often sizes are looked at. */
  containerLogMonitorMs: number
}

export const diskDefaults: DiskChoices = {
  imageGcHighThresholdPercent: 85,
  imageGcLowThresholdPercent: 80,
  imageMinimumAgeMs: 120_000,
  imageMaximumAgeMs: 0,
  containerLogMaxBytes: 10 << 20,
  containerLogMaxFiles: 5,
  containerLogMonitorMs: 10_000,
}

function readLogSize(text: string): number {
  const bytes = quantityToNumber(text)
  if (!(bytes >= 1024)) throw new Error('is not a size of at least 1Ki, such as 10Mi')
  return bytes
}

function readLookPeriod(text: string): number {
  const ms = readDuration(text)
  if (ms < 3_000) throw new Error('is less than 3s')
  return ms
}

/** The flag of each, and how its text is read. */
export const diskRules: { [K in keyof DiskChoices]: { name: string; read(text: string): DiskChoices[K] } } = {
  imageGcHighThresholdPercent: { name: 'image-gc-high-threshold', read: text => wholeNumber(text, 0, 100) },
  imageGcLowThresholdPercent: { name: 'image-gc-low-threshold', read: text => wholeNumber(text, 0, 100) },
  imageMinimumAgeMs: { name: 'minimum-image-ttl-duration', read: readDuration },
  imageMaximumAgeMs: { name: 'image-maximum-gc-age', read: readDuration },
  containerLogMaxBytes: { name: 'container-log-max-size', read: readLogSize },
  containerLogMaxFiles: { name: 'container-log-max-files', read: text => wholeNumber(text, 2, 1_000) },
  containerLogMonitorMs: { name: 'container-log-monitor-interval', read: readLookPeriod },
}

/** What is wrong with them together; undefined: nothing. */
export function diskContradiction(settings: DiskChoices): string | undefined {
  const { imageGcHighThresholdPercent: high, imageGcLowThresholdPercent: low } = settings
  const { imageMinimumAgeMs: youngest, imageMaximumAgeMs: oldest } = settings
  if (low >= high) return `--image-gc-low-threshold ${low} must be less than --image-gc-high-threshold ${high}`
  if (oldest && oldest < youngest) return '--image-maximum-gc-age must not be shorter than --minimum-image-ttl-duration'
  return undefined
}

export const diskOptions = (settings: DiskChoices): Required<Pick<AgentOptions, 'imageCollection' | 'logs'>> => ({
  imageCollection: {
    high: settings.imageGcHighThresholdPercent,
    low: settings.imageGcLowThresholdPercent,
    minAgeMs: settings.imageMinimumAgeMs,
    maxAgeMs: settings.imageMaximumAgeMs,
  },
  logs: {
    maxBytes: settings.containerLogMaxBytes,
    maxFiles: settings.containerLogMaxFiles,
    lookMs: settings.containerLogMonitorMs,
  },
})
