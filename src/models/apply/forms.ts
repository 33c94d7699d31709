import type { AnyObject } from '../object.ts'
import type { ObjectType } from '../schema/types.ts'
import { type Comparison, compareFields } from './typed-fields.ts'

/** How a version shows an object, and who can own what of it. */
export interface Form {
  type: ObjectType
  view(object: AnyObject): AnyObject
}

/** The form of a version; undefined for one that there is not. */
export type FormAt = (apiVersion: string) => Form | undefined

/** What differs between two states of an object, in the form of each version: worked out once for each. */
export class Differences {
  readonly #formAt: FormAt | undefined
  readonly #states: (AnyObject | undefined)[]
  readonly #own: ObjectType
  readonly #known = new Map<string, Comparison | undefined>()

  /**
   * @param formAt without it all versions are alike
   * @param own the type of the form of the writer's version
   */
  constructor(formAt: FormAt | undefined, own: ObjectType, previous: AnyObject | undefined, next: AnyObject) {
    this.#formAt = formAt
    this.#own = own
    this.#states = [previous, next]
  }

  /** @returns undefined for a version that there is not: who owns something there owns nothing now */
  at(apiVersion: string): Comparison | undefined {
    if (!this.#known.has(apiVersion)) this.#known.set(apiVersion, this.#compare(apiVersion))
    return this.#known.get(apiVersion)
  }

  #compare(apiVersion: string): Comparison | undefined {
    const form = this.#formAt ? this.#formAt(apiVersion) : { type: this.#own, view: (object: AnyObject) => object }
    if (!form) return undefined
    const [before, after] = this.#states.map(state => strip(state && form.view(state)))
    return compareFields(form.type, before, after)
  }
}

export function strip(object: AnyObject | undefined): AnyObject {
  if (!object) return { metadata: {} } as AnyObject
  const { managedFields: _, ...metadata } = object.metadata ?? {}
  return { ...object, metadata: metadata as AnyObject['metadata'] }
}
