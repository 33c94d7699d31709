import { ApiError, notFoundError } from '../../models/api-error.ts'
import { resourceName } from '../../models/kind.ts'
import { Namespace } from '../../models/kinds/index.ts'
import { type AdmissionPlugin, forbidden, isOf, shownName } from './chain.ts'

const immortal = new Set(['default', 'kube-system', 'kube-public'])

/** Nothing is made in a namespace that is not there or on its way out; three namespaces stay for ever. */
export const namespaceLifecycle: AdmissionPlugin = {
  name: 'NamespaceLifecycle',
  handles: (resource, operation, subresource) =>
    operation === 'CREATE'
      ? resource.namespaced
      : operation === 'DELETE' && subresource === '' && isOf(resource, Namespace),
  check(admission) {
    const { core, operation, resource, namespace } = admission
    if (operation === 'DELETE') {
      if (immortal.has(admission.name)) throw forbidden(admission, 'this namespace may not be deleted')
      return
    }
    const kept = core.cache.get(core.resources.of(Namespace), undefined, namespace!)
    if (!kept) throw notFoundError(Namespace, namespace!)
    const { metadata, status } = core.shared(kept) as {
      metadata: { deletionTimestamp?: string }
      status?: { phase?: string }
    }
    if (!metadata.deletionTimestamp && status?.phase !== 'Terminating') return
    const text = `unable to create new content in namespace ${namespace} because it is being terminated`
    throw new ApiError(
      'Forbidden',
      `${resourceName(resource.kind)} ${JSON.stringify(shownName(admission))} is forbidden: ${text}`,
      {
        details: {
          name: shownName(admission),
          ...(resource.kind.group ? { group: resource.kind.group } : {}),
          kind: resource.kind.plural,
          causes: [
            {
              reason: 'NamespaceTerminating',
              message: `namespace ${namespace} is being terminated`,
              field: 'metadata.namespace',
            },
          ],
        },
      },
    )
  },
}
