import type { Container, PodSpec } from '../../../models/types/core-v1.ts'
import type { ObjectMeta } from '../../../models/types/meta-v1.ts'

export type Level = 'privileged' | 'baseline' | 'restricted'

/** A pod, or the template of one. */
export interface PodLike {
  metadata: { annotations?: ObjectMeta['annotations'] }
  spec: PodSpec
}

/** What a pod does that a level does not allow. */
export interface Violation {
  /** Says it of many pods: `host ports`. */
  reason: string
  /** Where in this pod: `container "x" uses hostPort 80`. */
  detail: string
}

/** One rule of the Pod Security Standards: by the minor version of Kubernetes since which it reads so. */
export interface PodCheck {
  id: string
  level: 'baseline' | 'restricted'
  versions: {
    /** 25 is v1.25. */
    since: number
    check(pod: PodLike): Violation | undefined
    /** Baseline rules that this one includes. */
    overrides?: string[]
  }[]
}

/** In the order in which Kubernetes names them. */
export function containersOf({ spec }: PodLike): Container[] {
  return [
    ...(spec.initContainers ?? []),
    ...(spec.containers ?? []),
    ...((spec.ephemeralContainers ?? []) as Container[]),
  ]
}

export const quoted = (items: string[]): string => items.map(item => `"${item}"`).join(', ')
export const sorted = (items: Iterable<string>): string[] => [...new Set(items)].sort()
export const plural = (count: number, one: string, many = `${one}s`): string => (count === 1 ? one : many)

/** `container "a"`, `containers "a", "b"` */
export const named = (names: string[]): string => `${plural(names.length, 'container')} ${quoted(names)}`

/** `pod and containers "a", "b"` */
export function setters(pod: boolean, containers: string[]): string[] {
  return [...(pod ? ['pod'] : []), ...(containers.length ? [named(containers)] : [])]
}

/** The names of the containers that are so. */
export function namesWhere(pod: PodLike, is: (container: Container) => boolean): string[] {
  return containersOf(pod)
    .filter(is)
    .map(container => container.name)
}
