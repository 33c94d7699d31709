import type { Node, Pod, Taint } from '../models/types/core-v1.ts'
import type { PodInfo } from './pod-class.ts'
import { cpu, ephemeral, memory, podCount } from './resource-table.ts'
import type { Columns, NodeView, Resources } from './snapshot.ts'

/** A node's row, as plugins see it. */
export class NodeRow implements NodeView {
  readonly index: number
  readonly name: string
  readonly placed: PodInfo[] = []
  attachable = 0
  readonly #columns: Columns
  node: Node

  constructor(index: number, node: Node, columns: Columns) {
    this.index = index
    this.name = node.metadata.name
    this.node = node
    this.#columns = columns
  }

  get labels(): Record<string, string> {
    return this.node.metadata.labels ?? none
  }

  get taints(): readonly Taint[] {
    return this.node.spec?.taints ?? noTaints
  }

  get pods(): readonly Pod[] {
    return this.placed.map(p => p.pod)
  }

  get allocatable(): Resources {
    return resourcesAt(this.#columns, this.#columns.allocatable, this.index)
  }

  get requested(): Resources {
    return resourcesAt(this.#columns, this.#columns.requested, this.index)
  }
}

const none: Record<string, string> = {}
const noTaints: Taint[] = []

function resourcesAt({ resourceNames }: Columns, columns: readonly Float64Array[], index: number): Resources {
  const at = (column: number) => columns[column]?.[index] ?? 0
  const extended: Record<string, number> = {}
  for (let c = podCount + 1; c < columns.length; c++) if (at(c)) extended[resourceNames[c]!] = at(c)
  return { cpuMillis: at(cpu), memoryBytes: at(memory), ephemeralBytes: at(ephemeral), pods: at(podCount), extended }
}
