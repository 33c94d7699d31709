import type { Clock } from '../../../base/clock.ts'
import { timestamp } from '../../../base/clock.ts'
import { OptiFlowError } from '../../../base/errors.ts'
import type { CalicoKind, CalicoObject } from '../kinds/calico-kind.ts'
import { type CalicoDatastore, ObjectExists, ObjectMoved } from './datastore.ts'
import type { KeyValue, KeyValues } from './key-values.ts'

/** A key of Calico's has a value that is not Calico's. */
export class BadCalicoValue extends OptiFlowError {}

export interface EtcdDatastoreOptions {
  keys: KeyValues
  clock: Clock
  /** A UUID for each new object. */
  uuid(): string
}

/** `/calico/resources/v3/projectcalico.org/ippools/default`, or the prefix of all with an empty name. */
export function resourceKey(kind: Pick<CalicoKind<any>, 'plural' | 'scope'>, name: string, namespace?: string): string {
  const root = `/calico/resources/v3/projectcalico.org/${kind.plural}/`
  if (kind.scope === 'Cluster') return root + name
  return namespace ? `${root}${namespace}/${name}` : root
}

/**
 * Calico's objects in etcd, as its own programs read and write them with DATASTORE_TYPE=etcdv3. A resource is its JSON of
 * version 3; what belongs to IPAM has keys and forms of its own.
 * @see libcalico-go/lib/backend/model in Calico's sources
 */
export function openEtcdDatastore({ keys, clock, uuid }: EtcdDatastoreOptions): CalicoDatastore {
  const read = <S extends object>(kind: CalicoKind<S>, { key, value, revision }: KeyValue): CalicoObject<S>[] => {
    const parsed = parse(key, value)
    const object = kind.etcd ? kind.etcd.read(key, parsed) : resourceOf<S>(parsed)
    return object ? [{ ...object, metadata: { ...object.metadata, resourceVersion: revision } }] : []
  }
  const list = async <S extends object>(kind: CalicoKind<S>, namespace?: string) =>
    (await keys.list(kind.etcd?.prefix ?? resourceKey(kind, '', namespace))).flatMap(found => read(kind, found))
  const keyOf = <S extends object>(kind: CalicoKind<S>, object: CalicoObject<S>) =>
    kind.etcd?.keyOf(object) ?? resourceKey(kind, object.metadata.name, object.metadata.namespace ?? 'default')
  const textOf = <S extends object>(kind: CalicoKind<S>, object: CalicoObject<S>) =>
    JSON.stringify(kind.etcd?.write(object) ?? resourceValue(kind, object))

  return {
    where: keys.where,
    list,
    async get<S extends object>(kind: CalicoKind<S>, name: string, namespace?: string) {
      if (kind.etcd) return (await list(kind)).find(object => object.metadata.name === name)
      const found = await keys.get(resourceKey(kind, name, namespace ?? 'default'))
      return found && read(kind, found)[0]
    },
    async create(kind, object) {
      const metadata = { ...object.metadata, uid: uuid(), creationTimestamp: timestamp(clock) }
      if (kind.scope === 'Namespaced') metadata.namespace ??= 'default'
      const made = { ...object, metadata }
      const revision = await keys.put(keyOf(kind, made), textOf(kind, made), undefined)
      if (revision === undefined) throw new ObjectExists(kind, metadata.name)
      return { ...made, metadata: { ...metadata, resourceVersion: revision } }
    },
    async update(kind, object) {
      const { name, resourceVersion } = object.metadata
      const revision = await keys.put(keyOf(kind, object), textOf(kind, object), resourceVersion ?? '0')
      if (revision === undefined) throw new ObjectMoved(kind, name)
      return { ...object, metadata: { ...object.metadata, resourceVersion: revision } }
    },
    async delete(kind, object) {
      const { name, resourceVersion } = object.metadata
      if (!(await keys.delete(keyOf(kind, object), resourceVersion ?? '0'))) throw new ObjectMoved(kind, name)
    },
  }
}

function resourceOf<S extends object>({ metadata, spec, status }: any): CalicoObject<S> | undefined {
  return metadata?.name ? { metadata, spec: spec ?? {}, ...(status ? { status } : {}) } : undefined
}

/** In the order in which Calico's own JSON has its fields. */
function resourceValue(kind: CalicoKind<any>, { metadata, spec, status }: CalicoObject): object {
  const { name, namespace, uid, creationTimestamp, labels, annotations } = metadata
  return {
    kind: kind.kind,
    apiVersion: 'projectcalico.org/v3',
    metadata: { name, namespace, uid, creationTimestamp, labels, annotations },
    spec,
    status,
  }
}

function parse(key: string, value: string): any {
  try {
    return value === '' ? {} : JSON.parse(value)
  } catch (cause) {
    throw new BadCalicoValue(`the value of ${key} in etcd is no JSON`, {
      cause,
      hint: `Look at it: etcdctl get ${key}`,
    })
  }
}
