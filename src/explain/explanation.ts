import type { Kind } from '../models/kind.ts'
import type { KubeObject } from '../models/object.ts'
import type { Asking } from './asking.ts'

/**
 * `stops`: nothing happens until somebody acts. `waits`: something is on its way. `warned`: an event said so.
 * `unknown`: it cannot be seen from here. `well`: as it should be.
 */
export type Mark = 'stops' | 'waits' | 'warned' | 'unknown' | 'well'

/** One thing that is so, and bears on how the object is. */
export interface Finding {
  mark: Mark
  /** A sentence without its full stop; names the objects and the fields. */
  text: string
  /** One thing to do about it: a sentence, or a command. */
  next?: string
}

/** Why an object is as it is. */
export interface ObjectExplanation {
  kind: string
  namespace?: string
  name: string
  /** How it is: half a sentence. */
  summary: string
  /** What stops it first, then what it waits for, then the rest. */
  findings: Finding[]
}

/** What one kind has to say. Reads, and changes nothing. */
export interface Explainer<T extends KubeObject = any> {
  kind: Kind<T>
  /** How it is, in half a sentence: `2 of 3 replicas are available`. */
  summary(object: T): string
  findings(object: T, ask: Asking): Promise<Finding[]> | Finding[]
}

export const stops = (text: string, next?: string): Finding => ({ mark: 'stops', text, ...(next ? { next } : {}) })
export const waits = (text: string, next?: string): Finding => ({ mark: 'waits', text, ...(next ? { next } : {}) })
export const warned = (text: string): Finding => ({ mark: 'warned', text })
export const well = (text: string): Finding => ({ mark: 'well', text })
export const unknown = (text: string, next?: string): Finding => ({ mark: 'unknown', text, ...(next ? { next } : {}) })
