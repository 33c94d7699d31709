import type { Cache } from '../../client/reconciler.ts'
import { CSINode, Node } from '../../models/kinds/index.ts'

/** A part of a driver's topology, by the labels of its nodes: `{ 'disk.test/zone': 'a' }`. */
export type Segments = Record<string, string>

/** Where a node is in the words of a driver; undefined while the node does not run it, or does not say. */
export function segmentsOf(nodeName: string, driver: string, cache: Cache): Segments | undefined {
  const runs = cache.get(CSINode, { name: nodeName })?.spec.drivers?.find(d => d.name === driver)
  const labels = cache.get(Node, { name: nodeName })?.metadata.labels ?? {}
  const keys = [...(runs?.topologyKeys ?? [])].sort()
  if (!runs || keys.some(key => labels[key] === undefined)) return undefined
  return Object.fromEntries(keys.map(key => [key, labels[key]!]))
}

/** The different parts that the nodes of a driver are in. */
export function topologySegments(driver: string, cache: Cache): Segments[] {
  const found = new Map<string, Segments>()
  for (const { metadata } of cache.list(CSINode)) {
    if (!cache.get(Node, { name: metadata.name })) continue
    const segments = segmentsOf(metadata.name, driver, cache)
    if (segments) found.set(JSON.stringify(segments), segments)
  }
  return [...found.values()]
}
