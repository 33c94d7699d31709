import { OptiFlowError } from '../../base/errors.ts'
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

/** Promises each volume to its claim, or asks for one to be made near the node, and waits until the claims are bound. */
export async function bindVolumes(
  chosen: readonly Chosen[],
  node: Node,
  { claims, volumes }: ClusterObjects,
  { client, clock, signal }: BindingWorld,
  timeoutMs: number,
): Promise<void> {
  const { name } = node.metadata
  /** Claims that we asked for a volume near the node, and since when they say so. */
  const asked = new Map<string, number>()
  for (const { claim, volume } of chosen) {
    if (volume) await client.patch(PersistentVolume, keyOf(volume), { type: 'merge', body: promise(claim, volume) })
    else {
      const metadata = { annotations: { [selectedNode]: name } }
      const { metadata: written } = await client.patch(PersistentVolumeClaim, keyOf(claim), {
        type: 'merge',
        body: { metadata },
      })
      asked.set(keyText(keyOf(claim)), Number(written.resourceVersion))
    }
  }
  const late = new AbortController()
  const cancel = clock.schedule(timeoutMs, () => late.abort(new OptiFlowError('timed out waiting for the condition')))
  try {
    const keys = chosen.map(c => keyText(keyOf(c.claim)))
    // A provisioner that cannot serve the claim on this node takes the node's name off again.
    const refused = () =>
      keys.find(key => {
        const claim = claims.get(key)
        const since = asked.get(key)
        if (!claim || since === undefined || isBound(claim)) return false
        return Number(claim.metadata.resourceVersion) >= since && claim.metadata.annotations?.[selectedNode] !== name
      })
    const done = () => refused() !== undefined || keys.every(key => isSettled(claims.get(key)))
    await claims.until(done, AbortSignal.any([signal, late.signal]))
    const other = refused()
    if (other) throw new OptiFlowError(`no volume for persistentvolumeclaim ${other} can be made on node ${name}`)
    const gone = keys.find(key => !claims.get(key))
    if (gone) throw new OptiFlowError(`persistentvolumeclaim ${gone} was deleted while it was being bound`)
    // Whoever made a volume may have made it elsewhere; one that is not known yet is taken on trust.
    const made = keys.map(key => volumes.get(claims.get(key)?.spec.volumeName ?? ''))
    const away = made.find(volume => volume && !reaches(volume, node))
    if (away)
      throw new OptiFlowError(`node affinity of persistentvolume ${away.metadata.name} does not match node ${name}`)
  } finally {
    cancel()
  }
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
