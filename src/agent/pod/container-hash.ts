import { createHash } from 'node:crypto'
import type { ObservedContainer } from '../../runtime/runtime.ts'
import type { PodContainer } from './records.ts'

/** Under this annotation a container keeps what it was made from. */
export const hashAnnotation = 'io.kubernetes.container.hash'

/** Of what may change in a running pod and asks for a restart of the container: its image. */
export function containerHash({ name, image }: PodContainer): string {
  return createHash('sha256')
    .update(JSON.stringify([name, image]))
    .digest('hex')
    .slice(0, 8)
}

/** It was made from another definition than the pod has now. */
export function isOutdated(made: ObservedContainer, container: PodContainer): boolean {
  const hash = made.annotations[hashAnnotation]
  return hash !== undefined && hash !== containerHash(container)
}
