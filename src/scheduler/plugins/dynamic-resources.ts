import { same } from '../../base/equality.ts'
import { nodeSelectorTest } from '../../models/node-selector.ts'
import { keyOf, keyText } from '../../models/object.ts'
import type { Pod } from '../../models/types/core-v1.ts'
import type { AllocationResult, ResourceClaim } from '../../models/types/resource-v1beta1.ts'
import type { ClusterObjects } from '../cluster-objects.ts'
import { Wanted } from '../dra/allocate.ts'
import type { DevicesInUse } from '../dra/device-uses.ts'
import { giveBack, isUnusedByOthers } from '../dra/give-back.ts'
import { claimKeys, podClaims } from '../dra/pod-claims.ts'
import { DevicePools } from '../dra/pools.ts'
import { reserveClaim } from '../dra/reserve-claims.ts'
import type { SchedulerPlugin } from '../plugin.ts'
import type { NodeView } from '../snapshot.ts'

interface State {
  objects: ClusterObjects
  pod: Pod
  impossible: string | undefined
  /** Those that have their devices, or are about to: they bring the pod to where those can be used. */
  allocated: ResourceClaim[]
  /** By place in `allocated`: can a node use them? Any can where there is none. */
  tests: (((node: NodeView) => boolean) | undefined)[]
  /** Those that have none yet. */
  wanted: Wanted
  pools: DevicePools
  inUse: DevicesInUse
}

const tables = new Set(['resourceClaims', 'resourceSlices', 'deviceClasses'])
/** Pods that may share one claim. */
const mostUsers = 256

/**
 * Devices by ResourceClaim (resource.k8s.io): a claim that has its devices brings the pod to where they can be used; one that has
 * none gets them on the node, chosen by CEL selectors, counts and constraints among the devices that ResourceSlices tell of.
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/
 */
export const dynamicResources: SchedulerPlugin<State> = {
  name: 'DynamicResources',
  scope: 'cluster',
  prepare(pod, { objects }) {
    if (!pod.spec.resourceClaims?.length) return undefined
    const pools = DevicePools.of(objects.resourceSlices)
    const inUse = objects.resourceClaims.inUse(objects.promisedDevices.values())
    const none = new Wanted([], objects.deviceClasses)
    const state: State = { objects, pod, impossible: undefined, tests: [], allocated: [], wanted: none, pools, inUse }
    const claims = podClaims(pod, objects)
    if (typeof claims === 'string') return { ...state, impossible: claims }
    const waiting: ResourceClaim[] = []
    for (const claim of claims) {
      const allocation = claim.status?.allocation ?? objects.promisedDevices.get(keyText(keyOf(claim)))
      if (!allocation) {
        waiting.push(claim)
        continue
      }
      const users = claim.status?.reservedFor ?? []
      if (users.length >= mostUsers && !users.some(u => u.uid === pod.metadata.uid))
        return { ...state, impossible: 'resourceclaim in use' }
      state.allocated.push(claim)
      const test = allocation.nodeSelector && nodeSelectorTest(allocation.nodeSelector)
      state.tests.push(test && (({ node }) => test(node)))
    }
    return { ...state, wanted: new Wanted(waiting, objects.deviceClasses) }
  },
  refuseAll: state => state.impossible,
  filter(state, node) {
    if (!state.tests.every(test => test?.(node) ?? true)) return 'resourceclaim not available on the node'
    const { wanted, pools, inUse } = state
    return wanted.claims.length ? wanted.whyNone(pools.reachOf(node), inUse, node.name) : undefined
  },
  reserve(state, node) {
    const { objects, wanted, allocated, pod } = state
    const waiting = wanted.claims
    const allocations = allocationsOn(state, node)
    if (typeof allocations === 'string') return undefined
    const keys = waiting.map(claim => keyText(keyOf(claim)))
    for (const [i, key] of keys.entries()) objects.promisedDevices.set(key, allocations[i]!)
    return {
      release: () => {
        for (const key of keys) objects.promisedDevices.delete(key)
      },
      async write(world) {
        for (const [i, claim] of waiting.entries()) await reserveClaim(claim, allocations[i], pod, world)
        for (const claim of allocated) await reserveClaim(claim, undefined, pod, world)
      },
    }
  },
  relieve({ objects, allocated, tests, pod }, refused) {
    const elsewhere = allocated.find((claim, i) => {
      const free = claim.status?.allocation && isUnusedByOthers(claim, pod)
      return (
        free && !objects.promisedDevices.has(keyText(keyOf(claim))) && refused.some(node => tests[i]?.(node) === false)
      )
    })
    return elsewhere && (world => giveBack(elsewhere, world))
  },
  wakes: (e, { pod }) =>
    e.type === 'node-added' ||
    (e.type === 'node-updated' && e.changed.has('labels')) ||
    (e.type === 'object-changed' && tables.has(e.table) && (e.table !== 'resourceClaims' || concerns(pod, e))),
}

function allocationsOn({ wanted, pools, inUse }: State, node: NodeView): AllocationResult[] | string {
  return wanted.claims.length ? wanted.allocate(pools.reachOf(node), inUse, node.name) : []
}

/** The pod's own claim, which came or has another status (its finalizers say nothing), or one that has given devices back. */
function concerns(pod: Pod, { object, old }: { object: object; old?: object }): boolean {
  const claim = object as ResourceClaim
  const before = old as ResourceClaim | undefined
  const gone = object === old
  if (before?.status?.allocation && (gone || !claim.status?.allocation)) return true
  return claimKeys(pod).includes(keyText(keyOf(claim))) && (!before || !same(before.status ?? {}, claim.status ?? {}))
}
