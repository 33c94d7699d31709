import type { Client, Selectors } from '../client/client.ts'
import { ApiError, isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import type { KubeObject, ObjectKey } from '../models/object.ts'

/** `hidden`: who asks may not read it. */
export type Found<T> = T | 'missing' | 'hidden'

/** What explainers read a cluster through: with the rights of whoever asks, and without failing where they end. */
export interface Asking {
  readonly nowMs: number
  get<T extends KubeObject>(kind: Kind<T>, key: ObjectKey): Promise<Found<T>>
  /** Empty where they may not be read: `hidden` has the kind then. */
  list<T extends KubeObject>(kind: Kind<T>, of?: Selectors): Promise<T[]>
  /** Plural names of the kinds that could not be read. */
  readonly hidden: ReadonlySet<string>
}

/** @param nowMs wall time in milliseconds */
export function asking(client: Client, nowMs: number): Asking {
  const hidden = new Set<string>()
  const unlessHidden = <R>(kind: Kind<any>, instead: R, call: Promise<R>): Promise<R> =>
    call.catch(error => {
      if (!(error instanceof ApiError) || error.code !== 403) throw error
      hidden.add(kind.plural)
      return instead
    })
  return {
    nowMs,
    hidden,
    get: <T extends KubeObject>(kind: Kind<T>, key: ObjectKey) =>
      unlessHidden<Found<T>>(
        kind,
        'hidden',
        client.get(kind, key).catch((error: unknown): Found<T> => {
          if (isNotFound(error)) return 'missing'
          throw error
        }),
      ),
    list: <T extends KubeObject>(kind: Kind<T>, of: Selectors = {}) =>
      unlessHidden<T[]>(
        kind,
        [],
        client.list(kind, of).then(({ items }) => items),
      ),
  }
}
