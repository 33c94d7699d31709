import { addQuantities } from '../../../base/quantity.ts'
import type { Column } from '../../kind.ts'
import type { KubeObject } from '../../object.ts'

type Usage = Record<string, string> | undefined

/** As metrics-server prints them: what is used in all, and over which time. */
export function usageColumns<T extends KubeObject & { window: string }>(usages: (object: T) => Usage[]): Column<T>[] {
  const sum = (name: string): Column<T> => ({
    name,
    type: 'string',
    format: 'quantity',
    cell: object => usages(object).reduce((total, usage) => addQuantities(total, usage?.[name] ?? '0'), '0'),
  })
  return [
    sum('cpu'),
    sum('memory'),
    { name: 'Window', type: 'string', format: 'duration', cell: object => object.window ?? '' },
  ]
}
