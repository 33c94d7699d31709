import { inKeyOrder, sameMeaning } from '../base/equality.ts'
import { controllerOf, controllerRef } from '../client/owner.ts'
import type { World } from '../client/reconciler.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { ControllerRevision } from '../models/kinds/index.ts'
import { type KubeObject, keyOf } from '../models/object.ts'
import type { PodTemplateSpec } from '../models/types/core-v1.ts'
import type { LabelSelector } from '../models/types/meta-v1.ts'
import { claim } from './claim.ts'
import { isFresh } from './fresh.ts'
import { lenientSelector } from './selection.ts'
import { stableHash } from './template-hash.ts'

/** Templates that a StatefulSet or DaemonSet has had, kept as ControllerRevisions so that one can go back to them. */

export const revisionHashLabel = 'controller-revision-hash'

/** The label of a revision that has its hash: Kubernetes has one for each kind of owner. */
const ownHashLabel = ({ kind }: Kind<any>) =>
  kind === 'DaemonSet' ? revisionHashLabel : 'controller.kubernetes.io/hash'

export interface RevisionOwner extends KubeObject {
  spec: { selector: LabelSelector; template: PodTemplateSpec; revisionHistoryLimit?: number }
  status?: { collisionCount?: number }
}

/**
 * What a revision keeps: a patch that puts the template back as a whole. In the order in which Kubernetes writes it, since clients
 * compare its bytes with their own to find the present one.
 */
export function revisionData(template: PodTemplateSpec): { spec: { template: object } } {
  return { spec: { template: inKeyOrder({ ...template, $patch: 'replace' }) } }
}

/** The template that a revision keeps. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const { $patch: _, ...template } = (revision.data?.spec?.template ?? {}) as PodTemplateSpec & { $patch?: string }
  return template
}

export function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  return a.revision - b.revision || (a.metadata.name < b.metadata.name ? -1 : 1)
}

/** All revisions of an owner, oldest first; orphans with its labels are adopted. */
export async function claimRevisions(
  world: World,
  ownerKind: Kind<any>,
  owner: RevisionOwner,
): Promise<ControllerRevision[]> {
  const { cache, client } = world
  const revisions = await claim({
    client,
    kind: ControllerRevision,
    owner,
    ownerKind,
    selector: lenientSelector(owner.spec.selector),
    candidates: [
      ...cache.ownedBy(ControllerRevision, owner.metadata.uid),
      ...cache.orphans(ControllerRevision, owner.metadata.namespace),
    ],
  })
  return revisions.sort(byRevision)
}

/** The name's hash is taken by another template: count one up and look again. */
export class RevisionCollision extends Error {}

/**
 * The revision of the present template, as the newest: found, renumbered after a rollback, or made.
 * @returns undefined when the owner is no longer what the cache says: a template of yesterday must not become the newest
 * @throws RevisionCollision
 */
export async function currentRevision<T extends RevisionOwner>(
  world: World,
  ownerKind: Kind<T>,
  owner: T,
  revisions: readonly ControllerRevision[],
): Promise<ControllerRevision | undefined> {
  const { client } = world
  const data = revisionData(owner.spec.template)
  const next = (revisions.at(-1)?.revision ?? 0) + 1
  const same = [...revisions].reverse().find(r => sameMeaning(r.data, data))
  if (same && same === revisions.at(-1)) return same
  if (!owner.metadata.deletionTimestamp && !(await isFresh(world, ownerKind, owner))) return undefined
  if (same) return client.update(ControllerRevision, { ...structuredClone(same), revision: next })
  const hash = stableHash(data, owner.status?.collisionCount)
  const name = `${owner.metadata.name}-${hash}`
  const draft = {
    metadata: {
      name,
      namespace: owner.metadata.namespace!,
      labels: { ...owner.spec.template.metadata?.labels, [ownHashLabel(ownerKind)]: hash },
      // "kubectl rollout history" reads kubernetes.io/change-cause from here.
      annotations: { ...owner.metadata.annotations },
      ownerReferences: [controllerRef(owner)],
    },
    data,
    revision: next,
  }
  try {
    return await client.create(ControllerRevision, draft)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const found = await client.get(ControllerRevision, { namespace: owner.metadata.namespace!, name })
    if (controllerOf(found)?.uid === owner.metadata.uid && sameMeaning(found.data, data)) return found
    throw new RevisionCollision(`revision ${name} belongs to another template`)
  }
}

/** Deletes the oldest revisions that nobody uses beyond the limit. */
export async function truncateHistory(
  { client }: World,
  owner: RevisionOwner,
  revisions: readonly ControllerRevision[],
  inUse: (revision: ControllerRevision) => boolean,
): Promise<void> {
  const spare = revisions.filter(r => !inUse(r))
  const surplus = spare.slice(0, Math.max(spare.length - (owner.spec.revisionHistoryLimit ?? 10), 0))
  for (const revision of surplus)
    try {
      await client.delete(ControllerRevision, keyOf(revision), { uid: revision.metadata.uid })
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error
    }
}
