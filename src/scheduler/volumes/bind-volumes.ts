import { OptiFlowError } from '../../base/errors.ts'
import type { Client } from '../../client/index.ts'
import { PersistentVolume, PersistentVolumeClaim } from '../../models/kinds/index.ts'
import { keyOf, keyText } from '../../models/object.ts'
import type { Node } from '../../models/types/core-v1.ts'
import type { ClusterObjects } from '../cluster-objects.ts'
import type { BindingWorld } from '../plugin.ts'
import { isBound } from './claim-uses.ts'
import { reaches } from './volume-match.ts'

/** What a claim that waits for a node gets there: a volume, or one that is still to be made. */
export interface Chosen {
  claim: PersistentVolumeClaim
  volume: PersistentVolume | undefined
}

const selectedNode = 'volume.kubernetes.io/selected-node'

/**
 * Promises each volume to its claim, or asks for one to be made near the node, and waits until the claims are bound to volumes
 * that the node reaches.
 * @param timeoutMs so long at most
 * @throws OptiFlowError saying which claim or volume it failed for
 */
export async function bindVolumes(
  chosen: readonly Chosen[],
  node: Node,
  objects: ClusterObjects,
  { client, clock, signal }: BindingWorld,
  timeoutMs: number,
): Promise<void> {
  const asked = await ask(chosen, node, client)
  const over = new AbortController()
  const stop = () => over.abort(signal.reason)
  const cancel = clock.schedule(timeoutMs, () => over.abort(new OptiFlowError('timed out waiting for the condition')))
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  const keys = chosen.map(c => keyText(keyOf(c.claim)))
  try {
    await untilBound(keys, asked, node, objects, over.signal)
    await untilReached(keys, node, objects, over.signal)
  } finally {
    cancel()
    signal.removeEventListener('abort', stop)
  }
}

/** @returns claims that we asked a volume for near the node, and since which resourceVersion they say so */
async function ask(chosen: readonly Chosen[], node: Node, client: Client): Promise<ReadonlyMap<string, number>> {
  const asked = new Map<string, number>()
  for (const { claim, volume } of chosen) {
    if (volume) await client.patch(PersistentVolume, keyOf(volume), { type: 'merge', body: promise(claim, volume) })
    else {
      const metadata = { annotations: { [selectedNode]: node.metadata.name } }
      const { metadata: written } = await client.patch(PersistentVolumeClaim, keyOf(claim), {
        type: 'merge',
        body: { metadata },
      })
      asked.set(keyText(keyOf(claim)), Number(written.resourceVersion))
    }
  }
  return asked
}

async function untilBound(
  keys: readonly string[],
  asked: ReadonlyMap<string, number>,
  { metadata: { name } }: Node,
  { claims }: ClusterObjects,
  signal: AbortSignal,
): Promise<void> {
  // A provisioner that cannot serve the claim on this node takes the node's name off again.
  const refused = () =>
    keys.find(key => {
      const claim = claims.get(key)
      const since = asked.get(key)
      if (!claim || since === undefined || isBound(claim)) return false
      return Number(claim.metadata.resourceVersion) >= since && claim.metadata.annotations?.[selectedNode] !== name
    })
  await claims.until(() => refused() !== undefined || keys.every(key => isSettled(claims.get(key))), signal)
  const other = refused()
  if (other) throw new OptiFlowError(`no volume for persistentvolumeclaim ${other} can be made on node ${name}`)
  const gone = keys.find(key => !claims.get(key))
  if (gone) throw new OptiFlowError(`persistentvolumeclaim ${gone} was deleted while it was being bound`)
}

/** Whoever made a volume may have made it elsewhere, and it may be heard of after its claim. */
async function untilReached(
  keys: readonly string[],
  node: Node,
  { claims, volumes }: ClusterObjects,
  signal: AbortSignal,
): Promise<void> {
  const made = () => keys.map(key => volumes.get(claims.get(key)?.spec.volumeName ?? ''))
  await volumes.until(() => made().every(Boolean), signal)
  const away = made().find(volume => volume && !reaches(volume, node))
  const name = away?.metadata.name
  if (name)
    throw new OptiFlowError(`node affinity of persistentvolume ${name} does not match node ${node.metadata.name}`)
}

/** Bound, or gone: nothing to wait for. */
const isSettled = (claim: PersistentVolumeClaim | undefined) => !claim || isBound(claim)

function promise({ metadata }: PersistentVolumeClaim, volume: PersistentVolume) {
  const { namespace, name, uid } = metadata
  return {
    metadata: {
      // Whoever promised it meanwhile wins.
      resourceVersion: volume.metadata.resourceVersion,
      annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' },
    },
    spec: { claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid } },
  }
}
