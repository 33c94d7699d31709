import type { PodInfo } from './pod-class.ts'
import type { ResourceTable } from './resource-table.ts'
import type { Columns } from './snapshot.ts'

/** Amounts by row and resource, as nodes and pods come and go. */
export class MutableColumns implements Columns {
  allocatable: Float64Array[] = []
  requested: Float64Array[] = []
  scoredCpuMillis = new Float64Array(64)
  scoredMemoryBytes = new Float64Array(64)
  readonly #table: ResourceTable

  constructor(table: ResourceTable) {
    this.#table = table
  }

  get resourceNames(): readonly string[] {
    return this.#table.names
  }

  fork(): MutableColumns {
    const copy = new MutableColumns(this.#table)
    copy.allocatable = this.allocatable.map(column => column.slice())
    copy.requested = this.requested.map(column => column.slice())
    copy.scoredCpuMillis = this.scoredCpuMillis.slice()
    copy.scoredMemoryBytes = this.scoredMemoryBytes.slice()
    return copy
  }

  /** Makes room for a row. */
  reserve(index: number): void {
    const rows = this.scoredCpuMillis.length
    if (index < rows) return
    const grow = (old: Float64Array) => {
      const next = new Float64Array(rows * 2)
      next.set(old)
      return next
    }
    this.allocatable = this.allocatable.map(grow)
    this.requested = this.requested.map(grow)
    this.scoredCpuMillis = grow(this.scoredCpuMillis)
    this.scoredMemoryBytes = grow(this.scoredMemoryBytes)
  }

  clear(index: number): void {
    for (const column of [...this.allocatable, ...this.requested]) column[index] = 0
    this.scoredCpuMillis[index] = 0
    this.scoredMemoryBytes[index] = 0
  }

  setAllocatable(index: number, quantities: Record<string, string> | undefined): void {
    for (const column of this.allocatable) column[index] = 0
    for (const [resource, amount] of this.#table.amounts(quantities)) {
      this.#ensure(resource)
      this.allocatable[resource]![index] = amount
    }
  }

  add(index: number, c: PodInfo['class'], sign: 1 | -1): void {
    const { columns, amounts } = c.requests
    for (let i = 0; i < columns.length; i++) {
      this.#ensure(columns[i]!)
      this.requested[columns[i]!]![index]! += sign * amounts[i]!
    }
    this.scoredCpuMillis[index]! += sign * c.scoredCpuMillis
    this.scoredMemoryBytes[index]! += sign * c.scoredMemoryBytes
  }

  #ensure(resource: number): void {
    while (this.allocatable.length <= resource) {
      this.allocatable.push(new Float64Array(this.scoredCpuMillis.length))
      this.requested.push(new Float64Array(this.scoredCpuMillis.length))
    }
  }
}
