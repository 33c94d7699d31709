import { Lease, Node, Pod } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { nodeNameOf } from '../authz/node/node-authorizer.ts'
import { same } from '../objects/same.ts'
import { type Admission, type AdmissionPlugin, forbidden } from './chain.ts'

const restricted = 'node-restriction.kubernetes.io/'
const mirror = 'kubernetes.io/config.mirror'

/** A node changes its own Node and its own pods only, and not what decides about others. */
export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  handles: (resource, operation) =>
    operation !== 'CONNECT' && ([Node, Pod, Lease] as unknown[]).includes(resource.kind),
  validate(admission) {
    const node = nodeNameOf(admission.user)
    if (node === undefined || admission.user.groups.includes('system:masters')) return
    const { kind } = admission.resource
    if (kind === (Node as unknown)) checkNode(admission, node)
    else if (kind === (Pod as unknown)) checkPod(admission, node)
    else if (admission.namespace !== 'kube-node-lease' || admission.name !== node)
      throw forbidden(
        admission,
        `node ${JSON.stringify(node)} can only have the lease of its own name in kube-node-lease`,
      )
  },
}

function checkNode(admission: Admission, node: string): void {
  const { object, previous, operation } = admission
  if (admission.name !== node)
    throw forbidden(
      admission,
      `node ${JSON.stringify(node)} is not allowed to modify node ${JSON.stringify(admission.name)}`,
    )
  if (operation === 'DELETE') throw forbidden(admission, `node ${JSON.stringify(node)} is not allowed to delete itself`)
  const labels = (o: AnyObject | undefined) =>
    Object.fromEntries(
      Object.entries(o?.metadata.labels ?? {}).filter(([k]) => k.split('/')[0]!.endsWith(restricted.slice(0, -1))),
    )
  if (!same(labels(object), labels(previous)))
    throw forbidden(
      admission,
      `node ${JSON.stringify(node)} is not allowed to set or change labels below ${restricted}`,
    )
  if (previous && !same(object?.['spec']?.taints, previous['spec']?.taints))
    throw forbidden(admission, `node ${JSON.stringify(node)} is not allowed to modify taints`)
  if (!same(object?.metadata.ownerReferences, previous?.metadata.ownerReferences))
    throw forbidden(admission, `node ${JSON.stringify(node)} is not allowed to modify ownerReferences`)
}

function checkPod(admission: Admission, node: string): void {
  const { object, previous, operation, subresource } = admission
  const pod = previous ?? object!
  if (pod['spec']?.nodeName !== node)
    throw forbidden(
      admission,
      `node ${JSON.stringify(node)} can only create, change or delete pods that are bound to it`,
    )
  if (operation === 'UPDATE' && subresource !== 'status')
    throw forbidden(admission, `node ${JSON.stringify(node)} can only change the status of pods`)
  if (operation === 'UPDATE' && !same(object?.metadata.labels, previous?.metadata.labels))
    throw forbidden(admission, `node ${JSON.stringify(node)} cannot change the labels of pods through their status`)
  if (operation !== 'CREATE') return
  if (pod.metadata.annotations?.[mirror] === undefined)
    throw forbidden(admission, `node ${JSON.stringify(node)} can only create mirror pods`)
  const spec = pod['spec']
  const secret = (spec.volumes ?? []).some((v: object) =>
    ['secret', 'configMap', 'projected', 'persistentVolumeClaim'].some(f => f in v),
  )
  if (spec.serviceAccountName || secret)
    throw forbidden(admission, 'a mirror pod may not use service accounts, secrets, config maps or claims')
  const owners = pod.metadata.ownerReferences ?? []
  if (owners.length !== 1 || owners[0]!.kind !== 'Node' || owners[0]!.name !== node)
    throw forbidden(admission, `a mirror pod has exactly one owner: its node ${JSON.stringify(node)}`)
}
