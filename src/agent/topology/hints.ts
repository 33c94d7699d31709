import { countOf, maskOf, type NodeMask, subsetsOf } from './numa.ts'

/** One way to serve a request: from these NUMA nodes. */
export interface Hint {
  /** Undefined: from anywhere. */
  nodes: NodeMask | undefined
  /** No other way needs fewer nodes. */
  preferred: boolean
}

/** The ways to serve a container's requests, by resource. Undefined: no say; none at all: it cannot be served. */
export type Hints = Readonly<Record<string, readonly Hint[] | undefined>>

/** Something of which a container asks for some: a processor, a device. */
export interface Piece {
  /** The nodes that it is near to; none: nobody knows. */
  nodes: readonly number[]
}

export interface HintInput {
  /** Of the machine. */
  nodes: readonly number[]
  /** All pieces there are, given away or not. */
  all: readonly Piece[]
  free: readonly Piece[]
  count: number
}

/**
 * All sets of nodes with enough free pieces. Those are preferred that are as small as any set that would be enough if nothing
 * were given away. Pure.
 */
export function hintsOf({ nodes, all, free, count }: HintInput): Hint[] {
  const masks = (pieces: readonly Piece[]) => pieces.map(piece => maskOf(piece.nodes))
  const [ofAll, ofFree] = [masks(all), masks(free)]
  const within = (pieces: readonly NodeMask[], mask: NodeMask) => pieces.filter(own => own & mask).length
  let fewest = nodes.length
  const enough: NodeMask[] = []
  for (const mask of subsetsOf(nodes)) {
    if (within(ofAll, mask) >= count) fewest = Math.min(fewest, countOf(mask))
    if (within(ofFree, mask) >= count) enough.push(mask)
  }
  return enough.map(mask => ({ nodes: mask, preferred: countOf(mask) === fewest }))
}
