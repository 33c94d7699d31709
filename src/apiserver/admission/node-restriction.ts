import { readSigningRequest } from '../../base/certificates.ts'
import { same } from '../../base/equality.ts'
import { explain } from '../../base/errors.ts'
import {
  CertificateSigningRequest,
  CSINode,
  Lease,
  Node,
  PersistentVolumeClaim,
  Pod,
  ResourceSlice,
  ServiceAccount,
} from '../../models/kinds/index.ts'
import { nodeNameOf } from '../authz/node/node-authorizer.ts'
import { type Admission, type AdmissionPlugin, forbidden, isOf } from './chain.ts'
import { changedLabels, isForbiddenToNode } from './node-labels.ts'
import { checkClaimStatus, checkNodePod, checkNodeToken } from './node-pods.ts'

/** A node changes its own Node and its own pods only, and not what decides about others. */
export const nodeRestriction: AdmissionPlugin = {
  name: 'NodeRestriction',
  handles: (resource, operation) =>
    operation !== 'CONNECT' &&
    isOf(
      resource,
      ...[CertificateSigningRequest, CSINode, Lease, Node, PersistentVolumeClaim, Pod, ResourceSlice, ServiceAccount],
    ),
  validate(admission) {
    const node = nodeNameOf(admission.user)
    if (node === undefined) return undefined
    if (node === '')
      throw forbidden(admission, `could not determine node from user ${JSON.stringify(admission.user.username)}`)
    const { resource } = admission
    if (isOf(resource, Pod)) checkNodePod(admission, node)
    else if (isOf(resource, Node)) checkNode(admission, node)
    else if (isOf(resource, PersistentVolumeClaim)) checkClaimStatus(admission, node)
    else if (isOf(resource, ServiceAccount)) checkNodeToken(admission, node)
    else if (isOf(resource, Lease)) checkLease(admission, node)
    else if (isOf(resource, CSINode)) checkStorageNode(admission, node)
    else if (isOf(resource, ResourceSlice)) checkSlice(admission, node)
    else return checkRequest(admission, node)
    return undefined
  },
}

function checkNode(admission: Admission, node: string): void {
  const { object, previous, operation, name } = admission
  const who = `node ${JSON.stringify(node)}`
  if (name !== node) throw forbidden(admission, `${who} is not allowed to modify node ${JSON.stringify(name)}`)
  if (!object) return
  const source = object['spec']?.configSource
  if (operation === 'CREATE' && source)
    throw forbidden(admission, `${who} is not allowed to create pods with a non-nil configSource`)
  if (operation === 'UPDATE' && source && !same(source, previous!['spec']?.configSource))
    throw forbidden(admission, `${who} is not allowed to update configSource to a new non-nil configSource`)
  if (operation === 'UPDATE' && !same(object['spec']?.taints ?? [], previous!['spec']?.taints ?? []))
    throw forbidden(admission, `${who} is not allowed to modify taints`)
  const labels = changedLabels(object.metadata.labels, previous?.metadata.labels).filter(isForbiddenToNode)
  if (labels.length)
    throw forbidden(
      admission,
      operation === 'CREATE'
        ? `${who} is not allowed to set the following labels: ${labels.join(', ')}`
        : `is not allowed to modify labels: ${labels.join(', ')}`,
    )
  // CVE-2025-4563's relative: an owner of the Node could have it deleted.
  if (!same(object.metadata.ownerReferences ?? [], previous?.metadata.ownerReferences ?? []))
    throw forbidden(admission, `${who} is not allowed to modify ownerReferences`)
}

function checkLease(admission: Admission, node: string): void {
  if (admission.namespace !== 'kube-node-lease')
    throw forbidden(admission, 'can only access leases in the "kube-node-lease" system namespace')
  if (admission.name !== node)
    throw forbidden(admission, 'can only access node lease with the same name as the requesting node')
}

function checkStorageNode(admission: Admission, node: string): void {
  if (admission.name !== node)
    throw forbidden(admission, 'can only access CSINode with the same name as the requesting node')
}

function checkSlice(admission: Admission, node: string): void {
  const { operation, object, previous } = admission
  if (operation === 'UPDATE' || (object ?? previous)!['spec']?.nodeName === node) return
  throw forbidden(
    admission,
    `can only ${operation.toLowerCase()} ResourceSlice with the same NodeName as the requesting node`,
  )
}

const nodeSigners = ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client-kubelet']

async function checkRequest(admission: Admission, node: string): Promise<void> {
  const spec = admission.object?.['spec']
  if (admission.operation !== 'CREATE' || !nodeSigners.includes(spec.signerName)) return
  let commonName: string
  try {
    commonName = (await readSigningRequest(Buffer.from(String(spec.request ?? ''), 'base64').toString())).commonName
  } catch (error) {
    throw forbidden(admission, `unable to parse csr: ${explain(error)}`)
  }
  if (commonName !== `system:node:${node}`)
    throw forbidden(admission, `can only create a node CSR with CN=system:node:${node}`)
}
