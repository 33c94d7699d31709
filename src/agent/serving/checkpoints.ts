import { join } from 'node:path'
import { timeText } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import { Refused, runningContainer } from './pod-access.ts'
import type { ServedNode } from './served-node.ts'

/**
 * Has the runtime write down a container as it runs at this moment, so that it can be looked at elsewhere.
 * @param timeout in seconds; the runtime's own unless it is said
 * @returns the path of the archive on the node
 * @throws Refused
 * @see https://kubernetes.io/docs/reference/node/kubelet-checkpoint-api/
 */
export async function checkpoint(node: ServedNode, pod: Pod, name: string, timeout: string | null): Promise<string> {
  const { runtime, checkpointFolder, clock } = node
  const { namespace, name: podName } = pod.metadata
  const failed = (status: number, why: string) =>
    new Refused(status, `checkpointing of ${namespace}/${podName}/${name} failed (${why})`)
  const seconds = Number(timeout ?? 0)
  if (!Number.isInteger(seconds) || seconds < 0) throw new Refused(404, 'cannot parse value of timeout parameter')
  const { id } = runningContainer(node, pod, name)
  if (!runtime.checkpoint || !checkpointFolder)
    throw failed(500, `the runtime ${runtime.name} of node ${node.nodeName} cannot write containers down`)
  const file = `checkpoint-${podName}_${namespace}-${name}-${timeText(clock.now())}.tar`
  const path = join(checkpointFolder, file)
  await node.disk?.makeFolder(checkpointFolder, { mode: 0o700 })
  try {
    await runtime.checkpoint(id, path, seconds * 1000)
  } catch (error) {
    throw failed(500, explain(error))
  }
  return path
}
