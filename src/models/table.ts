import { ageOf } from './duration.ts'
import type { Column, Kind } from './kind.ts'
import type { KubeObject } from './object.ts'
import { partialOf } from './partial.ts'
import type { ListMeta, Table, TableColumnDefinition, TableRow } from './types/meta-v1.ts'

/** `?includeObject=`: what each row carries of its object. */
export type IncludeObject = 'Metadata' | 'Object' | 'None'

/** As much of a Kind as printing needs. */
export type Printed<T extends KubeObject = any> = Pick<Kind<T>, 'columns' | 'rowConditions' | 'ownAge' | 'ownName'>

const nameColumn: Column<any> = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name of the object, unique among those of its kind and namespace.',
  cell: (object: KubeObject) => object.metadata.name,
}

const ageColumn: Column<any> = {
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created.',
  cell: (object: KubeObject, nowMs) => ageOf(object.metadata.creationTimestamp, nowMs),
}

/** The columns printed for a kind: Name, its own, and Age, unless it places those itself. */
export function columnsOf<T extends KubeObject>(kind: Printed<T>): Column<T>[] {
  return [...(kind.ownName ? [] : [nameColumn]), ...(kind.columns ?? []), ...(kind.ownAge ? [] : [ageColumn])]
}

export function columnDefinitionsOf(kind: Printed): TableColumnDefinition[] {
  return columnsOf(kind).map(({ name, type, format = '', description = '', priority = 0 }) => ({
    name,
    type,
    format,
    description,
    priority,
  }))
}

/**
 * What the columns show of one object. A cell that throws (an object stored by an older version, say) is shown as `<error>`,
 * so that one odd object does not hide the others.
 * @param nowMs wall time, for ages
 */
export function cellsOf<T extends KubeObject>(columns: readonly Column<T>[], object: T, nowMs: number): Cell[] {
  return columns.map(column => {
    try {
      return column.cell(object, nowMs)
    } catch {
      return '<error>'
    }
  })
}

type Cell = ReturnType<Column['cell']>

/**
 * One object as a row.
 * @param nowMs wall time, for ages
 * @param version of the table's own group
 */
export function rowOf<T extends KubeObject>(
  kind: Printed<T>,
  object: T,
  nowMs: number,
  include: IncludeObject = 'Metadata',
  version = 'v1',
): TableRow {
  const conditions = kind.rowConditions?.(object)
  const shown = { cells: cellsOf(columnsOf(kind), object, nowMs), ...(conditions ? { conditions } : {}) }
  if (include === 'None') return { ...shown, object: null }
  return {
    ...shown,
    object: include === 'Object' ? object : { ...partialOf(object), apiVersion: `meta.k8s.io/${version}` },
  }
}

/**
 * The answer to `Accept: application/json;as=Table;g=meta.k8s.io;v=v1`.
 * @param metadata of the list; of a single object or a watch event, its resourceVersion
 * @param options.columnDefinitions false in a watch after the first event
 */
export function tableOf<T extends KubeObject>(
  kind: Printed<T>,
  objects: readonly T[],
  metadata: ListMeta,
  options: { nowMs: number; include?: IncludeObject; columnDefinitions?: boolean },
): Table {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: options.columnDefinitions === false ? [] : columnDefinitionsOf(kind),
    rows: objects.map(object => rowOf(kind, object, options.nowMs, options.include)),
  }
}
