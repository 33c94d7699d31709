import type { KubeObject } from '../models/object.ts'

/** Writes core/v1 Events about objects. Equal events within ten minutes become one with a count; failures are logged, never thrown. */
export interface EventRecorder {
  /** @param reason CamelCase, for machines: `FailedScheduling`. @param message for people. */
  normal(about: KubeObject, reason: string, message: string): void
  warning(about: KubeObject, reason: string, message: string): void
  /** Resolves when everything recorded so far is written or given up. */
  flush(): Promise<void>
}
