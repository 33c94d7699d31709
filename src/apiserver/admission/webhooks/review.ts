import { encodeJson } from '../../../models/encode-json.ts'
import type { AnyObject } from '../../../models/object.ts'
import type { Resource } from '../../resources.ts'
import type { Admission } from '../chain.ts'
import { admissionRequest } from '../policies/request.ts'

/** What is asked about, in the version that the webhook's rule names. */
export interface Shown {
  resource: Resource
  object: AnyObject | undefined
  previous: AnyObject | undefined
}

/** The AdmissionReview as JSON. */
export function encodeReview(admission: Admission, shown: Shown, uid: string, version: string): string {
  const { subResource, requestSubResource, name, namespace, userInfo, ...rest } = admissionRequest(
    admission,
    shown.resource,
  )
  const { uid: userId, ...user } = userInfo as { uid?: string }
  return encodeJson({
    kind: 'AdmissionReview',
    apiVersion: `admission.k8s.io/${version}`,
    request: {
      uid,
      ...rest,
      // As in Kubernetes, what is empty is left out.
      ...(subResource ? { subResource, requestSubResource } : {}),
      ...(name ? { name } : {}),
      ...(namespace ? { namespace } : {}),
      userInfo: userId ? { ...user, uid: userId } : user,
      options: rest['options'] ?? plainOptions(admission),
      object: shown.object ?? null,
      oldObject: shown.previous ?? null,
    },
  })
}

const kinds: Partial<Record<Admission['operation'], string>> = { CREATE: 'CreateOptions', UPDATE: 'UpdateOptions' }

/** Of what is asked of an object: an eviction, a scale, a token. What connects has none. */
function plainOptions({ operation, dryRun }: Admission): object | null {
  const kind = kinds[operation]
  return kind ? { kind, apiVersion: 'meta.k8s.io/v1', ...(dryRun ? { dryRun: ['All'] } : {}) } : null
}
