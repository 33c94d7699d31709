import { keyOf, keyText, type ObjectKey } from '../models/object.ts'
import { podCondition } from '../models/pod-state.ts'
import type { Pod, Service } from '../models/types/core-v1.ts'

/** When that happened which a new list of endpoints tells of: proxies measure by it how long it took to reach them. */
export class TriggerTimes {
  readonly #known = new Map<string, { created: string; pods: Map<string, string> }>()

  /**
   * To be called at each look at a Service, also when nothing is written after it.
   * @returns the earliest of what has changed since the last look, of a Service seen for the first time its own creation; undefined: nothing
   */
  next(service: Service, pods: readonly Pod[]): string | undefined {
    const key = keyText(keyOf(service))
    const before = this.#known.get(key)
    const created = service.metadata.creationTimestamp ?? ''
    const now = new Map(
      pods.flatMap(pod => {
        const since = podCondition(pod, 'Ready')?.lastTransitionTime
        return since ? [[pod.metadata.name, since] as const] : []
      }),
    )
    this.#known.set(key, { created, pods: now })
    if (!before) return created || undefined
    const changed = [...now].filter(([name, since]) => since > (before.pods.get(name) ?? '')).map(([, since]) => since)
    if (created > before.created) changed.push(created)
    return changed.sort()[0]
  }

  forget(service: ObjectKey): void {
    this.#known.delete(keyText(service))
  }
}
