import { same } from '../../base/equality.ts'
import { notFoundError } from '../../models/api-error.ts'
import { Node, Pod } from '../../models/kinds/index.ts'
import { isNetworkAccount } from '../../models/network-account.ts'
import type { AnyObject } from '../../models/object.ts'
import { referencesOf } from '../authz/node/references.ts'
import { type Admission, forbidden } from './chain.ts'

const mirror = 'kubernetes.io/config.mirror'

/** What a node may do with pods: mirror its own, end those that are bound to it, tell their status. */
export function checkNodePod(admission: Admission, node: string): void {
  const { operation, subresource } = admission
  const who = `node ${JSON.stringify(node)}`
  if (subresource === 'status') checkStatus(admission, node)
  else if (subresource === 'eviction') {
    if (podOf(admission, admission.name)['spec']?.nodeName !== node)
      throw forbidden(admission, `node ${node} can only evict pods with spec.nodeName set to itself`)
  } else if (subresource)
    throw forbidden(
      admission,
      `unexpected pod subresource ${JSON.stringify(subresource)}, only 'status' and 'eviction' are allowed`,
    )
  else if (operation === 'CREATE') checkMirror(admission, node)
  else if (operation !== 'DELETE')
    throw forbidden(
      admission,
      `unexpected operation ${JSON.stringify(operation)}, ${who} can only create and delete mirror pods`,
    )
  else if (admission.previous!['spec']?.nodeName !== node)
    throw forbidden(admission, `${who} can only delete pods with spec.nodeName set to itself`)
}

function checkStatus(admission: Admission, node: string): void {
  const { object, previous } = admission
  const who = `node ${JSON.stringify(node)}`
  if (previous!['spec']?.nodeName !== node)
    throw forbidden(admission, `${who} can only update pod status for pods with spec.nodeName set to itself`)
  if (!same(object!.metadata.labels ?? {}, previous!.metadata.labels ?? {}))
    throw forbidden(admission, `${who} cannot update labels through pod status`)
  if (!same(object!['status']?.resourceClaimStatuses ?? [], previous!['status']?.resourceClaimStatuses ?? []))
    throw forbidden(admission, `${who} cannot update resource claim statues`)
}

function checkMirror(admission: Admission, node: string): void {
  const pod = admission.object!
  const who = `node ${JSON.stringify(node)}`
  const refuse = (why: string): never => {
    throw forbidden(admission, why)
  }
  if (pod.metadata.annotations?.[mirror] === undefined)
    refuse(`pod does not have ${JSON.stringify(mirror)} annotation, ${who} can only create mirror pods`)
  if (pod['spec']?.nodeName !== node) refuse(`${who} can only create pods with spec.nodeName set to itself`)
  checkOwner(admission, node)
  if (pod['spec'].serviceAccountName) refuse(`${who} can not create pods that reference a service account`)
  const { secrets, configMaps, claims } = referencesOf(pod)
  if (secrets.size) refuse(`${who} can not create pods that reference secrets`)
  if (configMaps.size) refuse(`${who} can not create pods that reference configmaps`)
  const sources = (pod['spec'].volumes ?? []).flatMap((v: any) => v.projected?.sources ?? [])
  if (sources.some((source: object) => 'clusterTrustBundle' in source))
    refuse(`${who} can not create pods that reference clustertrustbundles`)
  if (claims.size) refuse(`${who} can not create pods that reference persistentvolumeclaims`)
}

function checkOwner(admission: Admission, node: string): void {
  const who = `node ${JSON.stringify(node)}`
  const owners = admission.object!.metadata.ownerReferences ?? []
  if (owners.length > 1)
    throw forbidden(admission, `${who} can only create pods with a single owner reference set to itself`)
  const [owner] = owners
  if (owner?.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== node)
    throw forbidden(admission, `${who} can only create pods with an owner reference set to itself`)
  if (!owner.controller)
    throw forbidden(admission, `${who} can only create pods with a controller owner reference set to itself`)
  if (owner.blockOwnerDeletion)
    throw forbidden(admission, `${who} must not set blockOwnerDeletion on an owner reference`)
  const { core } = admission
  const kept = core.cache.get(core.resources.of(Node), undefined, node)
  if (!kept) throw notFoundError(Node, node)
  const { uid } = core.shared(kept).metadata
  if (owner.uid !== uid) throw forbidden(admission, `node ${node} UID mismatch: expected ${owner.uid} got ${uid}`)
}

/**
 * A node asks for tokens only for pods that run on it, and only for the very pod, not one of its name; besides, for the
 * account under which every node enforces network policies.
 */
export function checkNodeToken(admission: Admission, node: string): void {
  if (admission.operation !== 'CREATE' || admission.subresource !== 'token') return
  if (isNetworkAccount(admission)) return
  const ref = admission.object!['spec']?.boundObjectRef
  if (ref?.apiVersion !== 'v1' || ref.kind !== 'Pod' || !ref.name)
    throw forbidden(admission, 'node requested token not bound to a pod')
  if (!ref.uid) throw forbidden(admission, 'node requested token with a pod binding without a uid')
  const pod = podOf(admission, ref.name)
  if (ref.uid !== pod.metadata.uid)
    throw forbidden(
      admission,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  if (pod['spec']?.nodeName !== node)
    throw forbidden(admission, 'node requested token bound to a pod scheduled on a different node')
}

const claimStatus = new Set(['capacity', 'conditions', 'allocatedResources', 'allocatedResourceStatuses'])

/** Of claims a node tells how large they have become. */
export function checkClaimStatus(admission: Admission, node: string): void {
  const { object, previous, operation, subresource } = admission
  if (subresource !== 'status') throw forbidden(admission, 'may only update PVC status')
  if (operation !== 'UPDATE') throw forbidden(admission, `unexpected operation ${JSON.stringify(operation)}`)
  if (!same(withoutSize(object!), withoutSize(previous!)))
    throw forbidden(
      admission,
      `node ${JSON.stringify(node)} is not allowed to update fields other than status.quantity and status.conditions`,
    )
}

function withoutSize(claim: AnyObject): object {
  const { resourceVersion: _, managedFields: __, ...metadata } = claim.metadata
  const status = Object.entries(claim['status'] ?? {}).filter(([field]) => !claimStatus.has(field))
  return { ...claim, metadata, status: Object.fromEntries(status) }
}

function podOf({ core, namespace }: Admission, name: string): AnyObject {
  const kept = core.cache.get(core.resources.of(Pod), namespace, name)
  if (!kept) throw notFoundError(Pod, name)
  return core.shared(kept)
}
