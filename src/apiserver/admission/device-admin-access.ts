import { ResourceClaim, ResourceClaimTemplate } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { DeviceRequest } from '../../models/types/resource-v1beta1.ts'
import { type Admission, type AdmissionPlugin, isOf } from './chain.ts'
import { labelsOfNamespace } from './namespace-labels.ts'

/** Of a namespace whose claims may ask for devices that others use. From Kubernetes 1.33 on it is the same there. */
const label = 'resource.k8s.io/admin-access'

/**
 * A device that somebody uses is for nobody else, unless a claim asks for it as an administrator. Anybody may make claims, so that counts only in
 * a namespace that its owner has marked; elsewhere it is dropped, as Kubernetes 1.32 does with a field that is not switched on.
 */
export const deviceAdminAccess: AdmissionPlugin = {
  name: 'DeviceAdminAccess',
  handles: (resource, operation, subresource) =>
    isOf(resource, ResourceClaim, ResourceClaimTemplate) &&
    (operation === 'CREATE' || operation === 'UPDATE') &&
    subresource === '',
  mutate(admission) {
    const { object, previous, namespace, warnings } = admission
    if (isMarked(admission) || (previous && requestsOf(previous).some(({ adminAccess }) => adminAccess))) return
    for (const [i, request] of requestsOf(object!).entries()) {
      if (request.adminAccess === undefined) continue
      if (request.adminAccess)
        warnings.push(
          `${object!.kind} ${object!.metadata.name}: devices.requests[${i}].adminAccess is dropped: namespace ${namespace} is not labelled ${label}=true`,
        )
      delete request.adminAccess
    }
  },
}

function requestsOf({ spec }: AnyObject): DeviceRequest[] {
  const { devices } = spec?.spec ?? spec ?? {}
  return devices?.requests ?? []
}

const isMarked = ({ core, namespace }: Admission): boolean => labelsOfNamespace(core, namespace!)?.[label] === 'true'
