import type { Column, Kind } from '../kind.ts'
import type { AnyObject, KubeObject } from '../object.ts'

/** The columns of the stored kind, for another version of it: each cell is computed on the stored form. */
export function storedColumns<T extends KubeObject>(
  stored: Kind<any>,
  toStored: (object: T) => AnyObject,
): Column<T>[] {
  return (stored.columns ?? []).map(column => ({
    ...column,
    cell: (object: T, nowMs: number) => column.cell(toStored(object), nowMs),
  }))
}
