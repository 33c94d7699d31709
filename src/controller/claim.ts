import type { Selector } from '../base/labels.ts'
import type { Client } from '../client/client.ts'
import { controllerOf, controllerRef } from '../client/owner.ts'
import { isNotFound } from '../models/api-error.ts'
import type { Kind } from '../models/kind.ts'
import { type KubeObject, keyOf, keyText } from '../models/object.ts'

export interface Claim<T extends KubeObject> {
  client: Client
  kind: Kind<T>
  owner: KubeObject
  ownerKind: Kind<any>
  selector: Selector
  /** Objects owned by the owner, and orphans of its namespace. Others are left alone anyway. */
  candidates: readonly T[]
  /** Besides the selector; all unless given. */
  accept?(object: T): boolean
  /** Put on what is adopted, taken off what is released (Job's tracking). */
  finalizer?: string
}

export type ClaimDecision = 'ours' | 'adopt' | 'release' | 'ignore'

/** What to do with one candidate: the rule of every controller that owns by selector. */
export function decideClaim(object: KubeObject, owner: KubeObject, selector: Selector, accepted = true): ClaimDecision {
  const matches = accepted && selector.matches(object.metadata.labels)
  const ref = controllerOf(object)
  if (ref) {
    if (ref.uid !== owner.metadata.uid) return 'ignore'
    if (matches) return 'ours'
    return owner.metadata.deletionTimestamp ? 'ignore' : 'release'
  }
  if (owner.metadata.deletionTimestamp || object.metadata.deletionTimestamp || !matches) return 'ignore'
  return 'adopt'
}

/**
 * What the owner controls after adopting matching orphans and releasing what no longer matches. Adoption asks the server first
 * whether the owner still lives: a deleted one, seen in a stale cache, must not adopt anything.
 */
export async function claim<T extends KubeObject>(claim: Claim<T>): Promise<T[]> {
  const { client, kind, owner, selector, candidates, accept } = claim
  const ours: T[] = []
  let mayAdopt: Promise<void> | undefined
  for (const object of candidates) {
    const decision = decideClaim(object, owner, selector, accept?.(object) ?? true)
    if (decision === 'ours') ours.push(object)
    else if (decision === 'release') await release(client, kind, object, owner, claim.finalizer)
    else if (decision === 'adopt') {
      mayAdopt ??= checkAlive(client, claim.ownerKind, owner)
      await mayAdopt
      const adopted = await adopt(client, kind, object, owner, claim.finalizer)
      if (adopted) ours.push(adopted)
    }
  }
  return ours
}

async function checkAlive(client: Client, kind: Kind<any>, owner: KubeObject): Promise<void> {
  const live: KubeObject = await client.get(kind, keyOf(owner))
  const name = `${kind.kind} ${keyText(keyOf(owner))}`
  if (live.metadata.uid !== owner.metadata.uid)
    throw new Error(`original ${name} is gone: got uid ${live.metadata.uid}, wanted ${owner.metadata.uid}`)
  if (live.metadata.deletionTimestamp)
    throw new Error(`${name} has just been deleted at ${live.metadata.deletionTimestamp}`)
}

async function adopt<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  object: T,
  owner: KubeObject,
  finalizer?: string,
): Promise<T | undefined> {
  const { resourceVersion, ownerReferences = [], finalizers = [] } = object.metadata
  const metadata = {
    resourceVersion,
    ownerReferences: [...ownerReferences.filter(r => r.uid !== owner.metadata.uid), controllerRef(owner)],
    ...(finalizer && !finalizers.includes(finalizer) ? { finalizers: [...finalizers, finalizer] } : {}),
  }
  try {
    return await client.patch(kind, keyOf(object), { type: 'merge', body: { metadata } })
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function release<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  object: T,
  owner: KubeObject,
  finalizer?: string,
): Promise<void> {
  const { resourceVersion, ownerReferences = [], finalizers = [] } = object.metadata
  const metadata = {
    resourceVersion,
    ownerReferences: ownerReferences.filter(r => r.uid !== owner.metadata.uid),
    ...(finalizer && finalizers.includes(finalizer) ? { finalizers: finalizers.filter(f => f !== finalizer) } : {}),
  }
  try {
    await client.patch(kind, keyOf(object), { type: 'merge', body: { metadata } })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
