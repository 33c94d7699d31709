import {
  type CalicoDatastore,
  CalicoInvalid,
  type CalicoKind,
  type CalicoObject,
  completed,
  createChecked,
} from '../../../main/calico.ts'
import { UsageError } from '../../failure.ts'
import type { Manifest } from '../../manifests.ts'

export interface Written {
  name: string
  outcome: 'created' | 'configured'
}

/**
 * Creates or changes what the manifests say, each held to the rules of its kind. All are checked before the first is written.
 * @throws UsageError (another kind), CalicoInvalid
 */
export async function writeObjects(
  datastore: CalicoDatastore,
  kinds: readonly CalicoKind<any>[],
  manifests: readonly Manifest[],
  namespace: string,
): Promise<Written[]> {
  const wanted = manifests.map(({ object, source }) => {
    const kind = kinds.find(k => k.kind === object.kind)
    if (!kind || !object.apiVersion.includes('projectcalico.org'))
      throw new UsageError(`${source}: ${object.kind} of ${object.apiVersion} does not belong here`, {
        hint: `Only ${kinds.map(k => k.kind).join(', ')} of projectcalico.org/v3.`,
      })
    const { name, labels, annotations } = object.metadata
    const place = kind.scope === 'Namespaced' ? { namespace: object.metadata.namespace ?? namespace } : {}
    const metadata = { name, ...place, ...(labels && { labels }), ...(annotations && { annotations }) }
    return { kind, object: { metadata, spec: object['spec'] ?? {} } as CalicoObject<any> }
  })
  for (const { kind, object } of wanted) {
    const faults = kind.check?.(object, []) ?? []
    if (faults.length) throw new CalicoInvalid(kind, object.metadata.name, faults)
  }
  const written: Written[] = []
  for (const { kind, object } of wanted) written.push(await writeOne(datastore, kind, object))
  return written
}

async function writeOne(
  datastore: CalicoDatastore,
  kind: CalicoKind<any>,
  object: CalicoObject<any>,
): Promise<Written> {
  const { name, namespace } = object.metadata
  const found = await datastore.get(kind, name, namespace)
  if (found) {
    const next = completed(kind, object)
    await datastore.update(kind, { metadata: { ...found.metadata, ...next.metadata }, spec: next.spec })
    return { name: `${kind.kind} ${name}`, outcome: 'configured' }
  }
  await createChecked(datastore, kind, object)
  return { name: `${kind.kind} ${name}`, outcome: 'created' }
}
