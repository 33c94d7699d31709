import type { KubeObject } from '../models/object.ts'

/**
 * Writes core/v1 Events about objects, by the rules of Kubernetes' own recorders: equal events become one with a count, many different ones
 * of one reason are combined, and of one object only so much is written. Failures are logged, never thrown.
 */
export interface EventRecorder {
  /**
   * @param reason CamelCase, for machines: `FailedScheduling`. @param message for people. @param action what was being done, where
   * Kubernetes says so: `Scheduling`
   */
  normal(about: KubeObject, reason: string, message: string, action?: string): void
  warning(about: KubeObject, reason: string, message: string, action?: string): void
  /** Resolves when everything recorded so far is written or given up. */
  flush(): Promise<void>
}
