import { createHash } from 'node:crypto'
import type { PodContainer } from './records.ts'

/** Of what may change in a running pod and asks for a restart of the container: its image. */
export function containerHash({ name, image }: PodContainer): string {
  return createHash('sha256')
    .update(JSON.stringify([name, image]))
    .digest('hex')
    .slice(0, 8)
}
