import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Node, Pod } from '../../src/models/types/core-v1.ts'
import { gpuMilliResource, gpuModelLabels } from '../../src/scheduler/gpu/gpu-request.ts'
import { type Line, parseTable, podOfLine } from '../../src/scheduler/simulate/trace.ts'
import { makeNode } from '../../src/scheduler/testing/index.ts'

/** A recorded workload: nodes, pods, and in which orders they come. */
export interface Trace {
  name: string
  nodes: Node[]
  pods: Pod[]
  /** By seed: places in `pods`, and the rank of each node among equals. */
  orders: Map<number, { pods: readonly number[]; nodeRank: readonly number[] }>
}

/** Reads one workload in the form of `data/openb`; see docs/scheduling-gpu.md for where it comes from. */
export function readTrace(folder: string, name: string): Trace {
  const nodes = parseTable(readFileSync(join(folder, 'openb_node_list_gpu_node.csv'), 'utf8'))
  const pods = parseTable(gunzipSync(readFileSync(join(folder, 'pods', `${name}.csv.gz`))).toString())
  // Workloads that differ in their models only come in the same order.
  const order = name.startsWith('gpuspec') ? 'default' : name
  return {
    name,
    nodes: nodes.sort(by('sn')).map(nodeOf),
    pods: pods.sort(by('name')).map(podOfLine),
    orders: readOrders(gunzipSync(readFileSync(join(folder, 'order', `${order}.order.txt.gz`))).toString()),
  }
}

/** The same workload in a cluster of so many nodes: nodes and pods again and again, each time under other names. */
export function scaled({ name, nodes, pods, orders }: Trace, count: number): Trace {
  const times = Math.ceil(count / nodes.length)
  const more = Array.from({ length: count }, (_, i) => {
    const node = nodes[i % nodes.length]!
    return { ...node, metadata: { ...node.metadata, name: `${node.metadata.name}-${i}`, uid: `${i}` } }
  })
  const nodeRank = more.map((_, i) => i)
  const again = [...orders].map(([seed, order]) => {
    const repeated = order.pods.flatMap(i => Array.from<number>({ length: times }).fill(i))
    return [seed, { pods: repeated, nodeRank }] as const
  })
  return { name, nodes: more, pods, orders: new Map(again) }
}

const by = (column: string) => (a: Line, b: Line) => (a[column]! < b[column]! ? -1 : 1)

function nodeOf(line: Line): Node {
  return makeNode(line['sn']!, {
    labels: { [gpuModelLabels[0]!]: line['model']! },
    allocatable: {
      cpu: `${line['cpu_milli']}m`,
      memory: `${line['memory_mib']}Mi`,
      pods: '1000',
      [gpuMilliResource]: `${1_000 * Number(line['gpu'])}`,
    },
  })
}

function readOrders(text: string): Trace['orders'] {
  const orders: Trace['orders'] = new Map()
  let seed = 0
  let pods: number[] = []
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.split(' ')
    if (word === 'seed') seed = Number(rest[0])
    else if (word === 'pods') pods = rest.map(Number)
    else if (word === 'noderank') orders.set(seed, { pods, nodeRank: rest.map(Number) })
  }
  return orders
}
