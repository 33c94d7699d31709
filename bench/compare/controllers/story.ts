import type { Json } from '../side.ts'
import type { Scene } from './scene.ts'

/** What somebody does to a cluster, step by step, in a namespace of its own; after each step both clusters are compared. */
export interface Story {
  /** Of the namespace too. */
  name: string
  /** Plurals of the kinds that are compared besides pods and events: `deployments`. */
  kinds: string[]
  steps: Step[]
}

export interface Step {
  what: string
  act(scene: Scene): Promise<unknown>
  /** Both are left alone for so long before they are compared. Default 1.5 s. */
  leastMs?: number
  /** How long both may go on differing, with nothing that changes, until that counts. Default 6 s. */
  patienceMs?: number
}

export const step = (what: string, act: Step['act'], more: Partial<Step> = {}): Step => ({ what, act, ...more })

/** A template whose pods do what `plays` says: see actor.ts. */
export function podTemplate(labels: Record<string, string>, plays = '', spec: Json = {}): Json {
  return {
    metadata: { labels, ...(plays ? { annotations: { plays } } : {}) },
    spec: { containers: [{ name: 'main', image: 'busybox:1' }], ...spec },
  }
}
