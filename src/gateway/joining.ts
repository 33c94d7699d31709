import type { Duplex } from 'node:stream'
import { farewell } from '../base/farewell.ts'

/** Two connections become one; what came on each too early is passed on first. */
export function join(a: Duplex, aHead: Buffer, b: Duplex, bHead: Buffer): void {
  if (bHead.length) a.write(bHead)
  if (aHead.length) b.write(aHead)
  a.pipe(b).pipe(a)
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.on('error', () => other.destroy())
    one.on('close', () => farewell(other))
  }
}
