import { OptiFlowError } from '../../../base/errors.ts'
import type { CalicoKind, CalicoObject } from '../kinds/calico-kind.ts'

/** Calico's objects, wherever they are kept. Every write but the first is compare-and-swap. */
export interface CalicoDatastore {
  /** For messages: `the API at https://…`, `etcd at http://…`. */
  readonly where: string
  list<S extends object>(kind: CalicoKind<S>, namespace?: string): Promise<CalicoObject<S>[]>
  /** Undefined: there is none. */
  get<S extends object>(kind: CalicoKind<S>, name: string, namespace?: string): Promise<CalicoObject<S> | undefined>
  /** @throws ObjectExists */
  create<S extends object>(kind: CalicoKind<S>, object: CalicoObject<S>): Promise<CalicoObject<S>>
  /** @throws ObjectMoved when somebody wrote since `object` was read */
  update<S extends object>(kind: CalicoKind<S>, object: CalicoObject<S>): Promise<CalicoObject<S>>
  /** Only the object that was read. @throws ObjectMoved */
  delete<S extends object>(kind: CalicoKind<S>, object: CalicoObject<S>): Promise<void>
}

/** Calico's datastore has no such kinds: Calico is not installed. */
export class CalicoMissing extends OptiFlowError {}

export class ObjectExists extends OptiFlowError {
  constructor(kind: CalicoKind<any>, name: string, cause?: unknown) {
    super(`${kind.kind} ${name} is there already`, {
      cause,
      hint: 'Choose another name, or change the one that is there.',
    })
  }
}

/** Somebody else changed or deleted the object since it was read. */
export class ObjectMoved extends OptiFlowError {
  constructor(kind: CalicoKind<any>, name: string, cause?: unknown) {
    super(`${kind.kind} ${name} was changed by somebody else meanwhile`, { cause, hint: 'Run the command again.' })
  }
}

/** Refused before anything was written. */
export class CalicoInvalid extends OptiFlowError {
  readonly faults: string[]
  constructor(kind: CalicoKind<any>, name: string, faults: string[], hint = 'Nothing was written.') {
    super(`${kind.kind} ${name}: ${faults.join('; ')}`, { hint })
    this.faults = faults
  }
}

/** Creates an object that keeps the rules of its kind. @throws CalicoInvalid, ObjectExists */
export async function createChecked<S extends object>(
  datastore: CalicoDatastore,
  kind: CalicoKind<S>,
  object: CalicoObject<S>,
): Promise<CalicoObject<S>> {
  const { name, namespace } = object.metadata
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name))
    throw new CalicoInvalid(kind, name, ['metadata.name: lower-case letters, digits, "-" and "." only'])
  const others = kind.check ? await datastore.list(kind, namespace) : []
  if (others.some(other => other.metadata.name === name)) throw new ObjectExists(kind, name)
  const faults = kind.check?.(object, others) ?? []
  if (faults.length) throw new CalicoInvalid(kind, name, faults)
  return datastore.create(kind, completed(kind, object))
}

/** The object as Calico's own tools would write it. */
export const completed = <S extends object>(kind: CalicoKind<S>, object: CalicoObject<S>): CalicoObject<S> =>
  kind.complete?.(object) ?? object

/** @throws NoSuchObject naming those that are there */
export async function getExisting<S extends object>(
  datastore: CalicoDatastore,
  kind: CalicoKind<S>,
  name: string,
  namespace?: string,
): Promise<CalicoObject<S>> {
  const found = await datastore.get(kind, name, namespace)
  if (found) return found
  const names = (await datastore.list(kind, namespace)).map(o => o.metadata.name)
  throw new NoSuchObject(`there is no ${kind.kind} ${name}`, {
    hint: names.length ? `There are: ${names.slice(0, 20).join(', ')}.` : `There is no ${kind.kind} at all.`,
  })
}

export class NoSuchObject extends OptiFlowError {}
