import { flag } from '../../base/query-flag.ts'
import type { Pod } from '../../models/kinds/core/pod.ts'
import type { LogOptions, ObservedContainer } from '../../runtime/runtime.ts'
import { newest, readySandbox } from '../pod/records.ts'
import type { ServedNode } from './served-node.ts'

/** Not there, or not in a state to be asked: the status and words of the answer. */
export class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** A step of a path. @throws Refused for a wrong encoding */
export function decoded(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    throw new Refused(400, `the path has a part that is wrongly encoded: ${step}`)
  }
}

export function findPod(nodes: Iterable<ServedNode>, namespace: string, name: string): { node: ServedNode; pod: Pod } {
  for (const node of nodes)
    for (const pod of node.pods())
      if (pod.metadata.namespace === namespace && pod.metadata.name === name) return { node, pod }
  throw new Refused(404, `pod "${namespace}/${name}" is not on this node`)
}

/** The container to read the log of: the newest, or the one before it. */
export function loggedContainer(node: ServedNode, pod: Pod, container: string, previous: boolean): ObservedContainer {
  checkName(pod, container)
  const observed = node.observed(pod.metadata.uid!)
  const all = (observed?.containers ?? [])
    .filter(c => c.name === container && c.state !== 'created')
    .sort((a, b) => b.attempt - a.attempt)
  const found = all[previous ? 1 : 0]
  if (found) return found
  throw new Refused(
    400,
    previous
      ? `previous terminated container "${container}" in pod "${pod.metadata.name}" not found`
      : `container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${waitingReason(pod, container)}`,
  )
}

export function runningContainer(node: ServedNode, pod: Pod, container: string): ObservedContainer {
  checkName(pod, container)
  const found = newest(node.observed(pod.metadata.uid!), container)
  if (found?.state === 'running') return found
  throw new Refused(404, `container "${container}" of pod "${pod.metadata.name}" does not run`)
}

/** Whether the container's input ends with that of the first who attaches. */
export function readsInputOnce({ spec }: Pod, container: string): boolean {
  const all = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])]
  return all.find(c => c.name === container)?.stdinOnce ?? false
}

export function sandboxOf(node: ServedNode, pod: Pod): string {
  const sandbox = readySandbox(node.observed(pod.metadata.uid!))
  if (sandbox) return sandbox.id
  throw new Refused(400, `pod "${pod.metadata.name}" does not run`)
}

/** Query parameters of a log request. @param nowMs wall time, for sinceSeconds */
export function logOptions(query: URLSearchParams, nowMs: number): LogOptions {
  const count = (name: string) => {
    const text = query.get(name)
    if (text === null || text === '') return undefined
    const value = Number(text)
    if (Number.isInteger(value) && value >= 0) return value
    throw new Refused(422, `${name} must be a whole number of at least 0, not "${text}"`)
  }
  const tailLines = count('tailLines')
  const limitBytes = count('limitBytes')
  const sinceSeconds = count('sinceSeconds')
  const sinceTime = query.get('sinceTime')
  const sinceMs =
    sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : sinceTime ? Date.parse(sinceTime) : undefined
  return {
    follow: flag(query, 'follow'),
    timestamps: flag(query, 'timestamps'),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(sinceMs === undefined || Number.isNaN(sinceMs) ? {} : { sinceMs }),
  }
}

function checkName(pod: Pod, container: string) {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec
  if ([...containers, ...initContainers, ...ephemeralContainers].some(c => c.name === container)) return
  throw new Refused(404, `container "${container}" not found in pod "${pod.metadata.name}"`)
}

function waitingReason(pod: Pod, container: string): string {
  const all = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])]
  const waiting = all.find(s => s.name === container)?.state?.waiting
  return waiting?.message ? `${waiting.reason}: ${waiting.message}` : (waiting?.reason ?? 'ContainerCreating')
}
