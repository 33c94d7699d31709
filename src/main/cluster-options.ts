import type { OutsideWorld } from './outside.ts'
import type { Report } from './part.ts'
import type { Settings } from './settings.ts'

/** What a cluster in one process is started with, and each part of it. */
export interface ClusterOptions {
  settings: Settings
  outside: OutsideWorld
  report: Report
  /** Ends a start that is still under way. */
  signal: AbortSignal
}
