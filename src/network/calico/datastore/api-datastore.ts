import type { Client } from '../../../client/index.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../../models/api-error.ts'
import type { AnyObject } from '../../../models/object.ts'
import { apiKindOf, type CalicoKind, type CalicoObject } from '../kinds/calico-kind.ts'
import { type CalicoDatastore, CalicoMissing, ObjectExists, ObjectMoved } from './datastore.ts'

/** Calico's objects as custom resources of the API: what calico-node reads with DATASTORE_TYPE=kubernetes. */
export function openApiDatastore(client: Client, where = 'the API'): CalicoDatastore {
  const keyOf = (kind: CalicoKind<any>, name: string, namespace?: string) =>
    kind.scope === 'Namespaced' ? { name, namespace: namespace ?? 'default' } : { name }
  const missing = (error: unknown): never => {
    if (!isNotFound(error)) throw error
    throw new CalicoMissing("Calico's kinds are not served here", {
      cause: error,
      hint: 'Install Calico first: optiflow calico install.',
    })
  }
  return {
    where,
    async list<S extends object>(kind: CalicoKind<S>, namespace?: string) {
      const { items } = await client.list(apiKindOf(kind), namespace ? { namespace } : {}).catch(missing)
      return items.map(item => fromApi<S>(item))
    },
    async get<S extends object>(kind: CalicoKind<S>, name: string, namespace?: string) {
      try {
        return fromApi<S>(await client.get(apiKindOf(kind), keyOf(kind, name, namespace)))
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    },
    async create(kind, { metadata, spec }) {
      const { name, namespace, labels, annotations } = metadata
      const key = keyOf(kind, name, namespace)
      const draft = { metadata: { ...key, ...(labels && { labels }), ...(annotations && { annotations }) }, spec }
      return client.create(apiKindOf(kind), draft).then(
        object => fromApi(object),
        cause => {
          throw isAlreadyExists(cause) ? new ObjectExists(kind, name, cause) : cause
        },
      )
    },
    async update(kind, object) {
      const { metadata, spec } = object
      const current = { ...metadata, uid: metadata.uid!, resourceVersion: metadata.resourceVersion! }
      return client.update(apiKindOf(kind), { metadata: current, spec } as unknown as AnyObject).then(
        written => fromApi(written),
        cause => {
          throw isConflict(cause) || isNotFound(cause) ? new ObjectMoved(kind, metadata.name, cause) : cause
        },
      )
    },
    async delete(kind, { metadata }) {
      const { name, namespace, uid, resourceVersion } = metadata
      const guards = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) }
      await client.delete(apiKindOf(kind), keyOf(kind, name, namespace), guards).catch(cause => {
        if (isConflict(cause)) throw new ObjectMoved(kind, name, cause)
        if (!isNotFound(cause)) throw cause
      })
    },
  }
}

function fromApi<S extends object>({ metadata, spec, status }: AnyObject): CalicoObject<S> {
  return { metadata: metadata as CalicoObject['metadata'], spec: (spec ?? {}) as S, ...(status ? { status } : {}) }
}
