import { encodeJson } from '../encode-json.ts'
import type { AnyObject } from '../object.ts'
import type { ObjectType, Type } from '../schema/types.ts'
import type { ManagedFieldsEntry } from '../types/meta-v1.ts'
import { withoutReturning } from './always-there.ts'
import { conflict } from './conflicts.ts'
import { fieldsOfCreated } from './created-fields.ts'
import { FieldSet, type FieldsV1, sharedTree } from './field-set.ts'
import { Differences, type FormAt, strip } from './forms.ts'
import { type Owner, readOwners } from './read-owners.ts'
import {
  compareFields,
  emptyListsSaid,
  fieldOf,
  fieldsSaid,
  granularOf,
  mergeApplied,
  removeFields,
  same,
} from './typed-fields.ts'
import { nobodysFor, unowned } from './unowned-fields.ts'

/** Who writes, and how. */
export interface Writer {
  manager: string
  /** `apps/v1` */
  apiVersion: string
  /** '' for the object itself. */
  subresource: string
  /** RFC 3339. */
  time: string
  /** Says nothing about the status, whatever it sends: the status is written by a path of its own. */
  leavesStatus?: boolean
  /** Says nothing about the spec either, which nobody owns. */
  leavesSpec?: boolean
  /** The object as other versions show it; undefined for a version that there is not. Without it all versions are alike. */
  formAt?: FormAt
  /** What is applied as it was sent, if that is less than what is owned: its namespace may go unsaid. */
  sent?: AnyObject
  /** What an owner by another version owns in the writer's, if its fields are called otherwise there; undefined: they are not. */
  ownedHere?: (entry: Owner['entry']) => FieldSet | undefined
  /** A copy of an object with everything that one of its kind always has. */
  completed?: (object: AnyObject) => AnyObject
}

/**
 * Who owns what after a plain write (create, update, patch): the writer gets what it changed, everybody loses what is
 * gone or changed by another. What admission changes afterwards is nobody's. Sets `next.metadata.managedFields`.
 * @param previous undefined on create
 */
export function trackUpdate(type: ObjectType, previous: AnyObject | undefined, next: AnyObject, writer: Writer): void {
  const sent = next.metadata.managedFields
  // A list with one empty entry, or none, is a user's way to forget all owners.
  const forget =
    previous !== undefined &&
    sent !== undefined &&
    (sent.length === 0 || (sent.length === 1 && !sent[0]?.operation && !sent[0]?.manager))
  const owners = forget ? [] : ownersAfter(sent, previous, writer)
  if (forget) {
    delete next.metadata.managedFields
    return
  }
  // Whose owners were forgotten stays without, until somebody applies.
  if (previous && !owners.length) {
    delete next.metadata.managedFields
    return
  }
  const nobodys = nobodysFor(writer)
  if (!previous && !owners.length) {
    const text = fieldsOfCreated(type, writer.formAt?.(writer.apiVersion)?.view(next) ?? next, nobodys.elements)
    if (text === '{}') {
      delete next.metadata.managedFields
      return
    }
    next.metadata.managedFields = [creatorsEntry(writer, text)]
    return
  }
  const differences = new Differences(writer.formAt, type, previous, next)
  const { changed, removed } = differences.at(writer.apiVersion)!
  const mine = changed.without(nobodys.set)
  const isOwnVersion = ({ entry }: Owner) => entry.apiVersion === writer.apiVersion
  if (mine.isEmpty && removed.isEmpty && owners.every(isOwnVersion)) {
    writeOwners(next, owners)
    return
  }
  const at = owners.findIndex(o => isWriter(o, writer, 'Update'))
  const out: Owner[] = []
  owners.forEach((owner, i) => {
    if (i === at) {
      const fields = owner.fields.difference(removed).union(mine)
      if (fields.isEmpty) return
      const entry = mine.isEmpty ? owner.entry : { ...owner.entry, time: writer.time }
      out.push(fields === owner.fields && mine.isEmpty ? owner : { entry, fields })
      return
    }
    const theirs = differences.at(owner.entry.apiVersion ?? '')
    if (!theirs) return
    const taken = isOwnVersion(owner) ? mine : theirs.changed.without(nobodys.set)
    const fields = owner.fields.difference(theirs.removed).difference(taken)
    if (!fields.isEmpty) out.push(fields === owner.fields ? owner : { entry: owner.entry, fields })
  })
  if (at < 0 && !mine.isEmpty) out.push({ entry: entryOf(writer, 'Update'), fields: mine })
  writeOwners(next, withoutAncient(out))
}

/** A list that is sent replaces the owners, unless it makes no sense or comes with a subresource: then they stay who they were. */
function ownersAfter(
  sent: readonly ManagedFieldsEntry[] | undefined,
  previous: AnyObject | undefined,
  writer: Writer,
): Owner[] {
  const named = writer.subresource ? undefined : readOwners(sent)
  return named?.length ? named : (readOwners(previous?.metadata.managedFields) ?? [])
}

/** The last one that was made. */
let latest: { text: string; entry: ManagedFieldsEntry } | undefined

/** One entry for all alike that somebody creates within a second: made, written and kept once. @param text of the fields */
function creatorsEntry(writer: Writer, text: string): ManagedFieldsEntry {
  if (latest?.text === text && isCreator(latest.entry, writer)) return latest.entry
  const { subresource, ...entry } = entryOf(writer, 'Update')
  const made = {
    ...entry,
    fieldsType: 'FieldsV1',
    fieldsV1: sharedTree(text),
    ...(subresource ? { subresource } : {}),
  } as ManagedFieldsEntry
  latest = { text, entry: Object.freeze(made) }
  return made
}

function isCreator({ manager, apiVersion, time, subresource = '' }: ManagedFieldsEntry, writer: Writer): boolean {
  const sameWriter =
    manager === writer.manager && apiVersion === writer.apiVersion && subresource === writer.subresource
  return sameWriter && time === writer.time
}

/**
 * Server-side apply: what the object becomes when `applied` is all that this manager wants to say about it. Fields that it
 * said before and says no longer go, unless somebody else owns them too. The result has its managedFields.
 * @param live undefined: it is created
 * @param ownable the part of `applied` that the writer can own: who writes the object leaves its status alone
 * @throws ApiError Conflict with a cause for each field that another manager has set to something else, unless `force`
 */
export function applyConfiguration(
  type: ObjectType,
  live: AnyObject | undefined,
  applied: AnyObject,
  writer: Writer,
  force: boolean,
  ownable = applied,
): AnyObject {
  const nobodysNow = writer.leavesSpec ? nobodysFor(writer).set : unowned
  const wanted = fieldsSaid(type, strip(ownable)).without(nobodysNow)
  const heard = wanted.union(emptyListsSaid(type, strip(ownable)))
  const before = live ? strip(live) : {}
  const owners = (readOwners(live?.metadata.managedFields) ?? []).filter(
    ({ entry }) => !writer.formAt || writer.formAt(entry.apiVersion ?? ''),
  )
  if (live && !owners.length) {
    // Who writes the status alone leaves the spec, so nobody wrote that before.
    const nobodys = nobodysFor(writer.subresource === 'status' ? { ...writer, leavesSpec: true } : writer)
    const all = compareFields(type, strip(undefined), before).changed.without(nobodys.set)
    if (!all.isEmpty)
      owners.push({ entry: { ...entryOf(writer, 'Update'), manager: 'before-first-apply' }, fields: all })
  }
  const at = owners.findIndex(o => isWriter(o, writer, 'Apply'))
  const others = owners.filter((_, i) => i !== at)

  const merged = mergeApplied(type, before, strip(applied))
  const differences = new Differences(writer.formAt, type, live, merged as AnyObject)
  const contested = others
    .map(o => {
      const { apiVersion = '' } = o.entry
      const fields = o.fields.intersection(differences.at(apiVersion)!.changed)
      return { owner: o, fields: apiVersion === writer.apiVersion ? fields.intersection(heard) : fields }
    })
    .filter(c => !c.fields.isEmpty)
  const annotation = live?.metadata.annotations?.[lastAppliedAnnotation]
  if (contested.length && !force) {
    const allowed = writer.manager === kubectl ? stillAsApplied(type, annotation, before) : new FieldSet()
    const refused = contested.map(c => ({ ...c, fields: c.fields.difference(allowed) })).filter(c => !c.fields.isEmpty)
    if (refused.length) throw conflict(refused, writer.subresource === 'scale')
  }

  const hereOf = (owner: Owner) => writer.ownedHere?.(owner.entry)?.union(owner.fields) ?? owner.fields
  const said = at < 0 ? new FieldSet() : hereOf(owners[at]!)
  const takenOver = new Map(contested.map(c => [c.owner, c.fields]))
  const kept = others
    .map(o => ({ entry: o.entry, fields: o.fields.difference(takenOver.get(o) ?? new FieldSet()) }))
    .filter(o => !o.fields.isEmpty)
  const ownedByOthers = kept.reduce((all, o) => all.union(hereOf(o)), new FieldSet())
  const owned = wanted.union(ownedByOthers)
  const dropped = withoutAncestors(type, said.difference(owned), owned)
  const without = removeFields(type, merged, dropped, owned) as AnyObject
  const versions = new Set([writer.apiVersion, ...owners.map(o => o.entry.apiVersion)])
  const result =
    writer.completed && versions.size > 1 && !dropped.isEmpty
      ? (removeFields(type, merged, withoutReturning(dropped, without, writer.completed(without)), owned) as AnyObject)
      : without

  const next: AnyObject = {
    ...result,
    apiVersion: applied.apiVersion,
    kind: applied.kind,
    metadata: { ...(result.metadata ?? {}) } as AnyObject['metadata'],
  }
  const mine: Owner = {
    entry: applierOf(writer, owners[at], !same(before, result)),
    fields: wanted,
  }
  writeOwners(next, wanted.isEmpty ? kept : [...kept, mine])
  if (writer.manager === kubectl && annotation !== undefined)
    next.metadata.annotations = {
      ...next.metadata.annotations,
      [lastAppliedAnnotation]: lastAppliedText(writer.sent ?? applied),
    }
  return next
}

/** The time of an applier is that of its last change of the object: who has changed nothing yet has none. */
function applierOf(writer: Writer, known: Owner | undefined, changing: boolean): Owner['entry'] {
  const entry = { ...entryOf(writer, 'Apply'), time: changing ? writer.time : known?.entry.time }
  if (entry.time === undefined) delete entry.time
  return entry
}

/**
 * Leaves in place whatever still has something that somebody owns below it. An element of a list goes all the same, with
 * what others have set in it, unless one of them owns the element itself.
 */
function withoutAncestors(type: Type | undefined, gone: FieldSet, owned: FieldSet): FieldSet {
  const g = granularOf(type)
  const out = new FieldSet()
  for (const m of gone.members)
    if (!owned.children.has(m) || (g && (g.form === 'list' || !fieldOf(g, m.slice(2)).field))) out.members.add(m)
  for (const [element, child] of gone.children) {
    const childType = g && (g.form === 'list' ? g.type.of : fieldOf(g, element.slice(2)).type)
    const below = withoutAncestors(childType, child, owned.children.get(element) ?? new FieldSet())
    if (!below.isEmpty) out.children.set(element, below)
  }
  return out
}

/** So many owners by plain writes are told apart; what the oldest of more own is put together. */
const maxUpdaters = 10
const ancient = 'ancient-changes'

/** Programs whose name changes with every run would fill the object. */
function withoutAncient(owners: Owner[]): Owner[] {
  const updaters = owners.filter(o => o.entry.operation === 'Update')
  if (updaters.length <= maxUpdaters) return owners
  const byAge = [...updaters].sort((a, b) => ((a.entry.time ?? '') < (b.entry.time ?? '') ? -1 : 1))
  const merged = new Map<string, Owner>()
  const gone = new Set<Owner>()
  for (const owner of byAge) {
    if (updaters.length - gone.size + merged.size <= maxUpdaters) break
    gone.add(owner)
    const version = owner.entry.apiVersion ?? ''
    const fields = merged.get(version)?.fields.union(owner.fields) ?? owner.fields
    merged.set(version, {
      entry: { manager: ancient, operation: 'Update', apiVersion: version, time: owner.entry.time ?? '' },
      fields,
    })
  }
  return [...owners.filter(o => !gone.has(o)), ...merged.values()]
}

/** What `kubectl apply --server-side` is called; only for it the annotation of its client-side form counts. */
const kubectl = 'kubectl'
const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'

/**
 * Fields that `kubectl apply` has set from the client's side and that are still as it set them. The same user now applies
 * from the server's side: to change them is no conflict.
 */
function stillAsApplied(type: ObjectType, annotation: string | undefined, live: AnyObject | object): FieldSet {
  let applied: AnyObject
  try {
    applied = JSON.parse(annotation ?? '')
  } catch {
    return new FieldSet()
  }
  if (typeof applied !== 'object' || applied === null || Array.isArray(applied)) return new FieldSet()
  const { changed, removed } = compareFields(type, strip(applied), live as AnyObject)
  return fieldsSaid(type, strip(applied)).difference(changed).difference(removed)
}

/** The annotation of the client-side form, kept true so that people may go back to it. */
function lastAppliedText(applied: AnyObject): string {
  const said = strip(applied)
  const { [lastAppliedAnnotation]: _, ...others } = said.metadata.annotations ?? {}
  const annotations = said.metadata.annotations ? { annotations: others } : {}
  return `${encodeJson(sorted({ ...said, metadata: { ...said.metadata, ...annotations } }))}\n`
}

/** Members in the order of their names, as Kubernetes writes what it knows no type of. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]))
}

function writeOwners(object: AnyObject, all: Owner[]): void {
  const owners = all.filter(o => !o.fields.isEmpty)
  if (!owners.length) {
    delete object.metadata.managedFields
    return
  }
  object.metadata.managedFields = owners.sort(compareOwners).map(o => o.wire ?? sharedEntry(o))
}

/** Appliers first, then by time, then by name: so equal states are equal bytes. */
function compareOwners({ entry: a }: Owner, { entry: b }: Owner): number {
  return (
    compareTexts(a.operation, b.operation) ||
    compareTexts(a.time, b.time) ||
    compareTexts(a.manager, b.manager) ||
    compareTexts(a.apiVersion, b.apiVersion) ||
    compareTexts(a.subresource, b.subresource)
  )
}

const compareTexts = (a = '', b = ''): number => (a === b ? 0 : a < b ? -1 : 1)

/** By its fields, the last entry that was made. */
const latestOf = new WeakMap<FieldsV1, ManagedFieldsEntry>()

/** One entry for all alike that somebody changes within a second. */
function sharedEntry({ entry, fields }: Owner): ManagedFieldsEntry {
  const tree = fields.toWire()
  const known = latestOf.get(tree)
  if (known && isSameEntry(known, entry)) return known
  const made: ManagedFieldsEntry = Object.freeze({
    ...(entry.manager ? { manager: entry.manager } : {}),
    operation: entry.operation!,
    apiVersion: entry.apiVersion ?? '',
    ...(entry.time ? { time: entry.time } : {}),
    fieldsType: 'FieldsV1',
    fieldsV1: tree,
    ...(entry.subresource ? { subresource: entry.subresource } : {}),
  })
  latestOf.set(tree, made)
  return made
}

const isSameEntry = (a: ManagedFieldsEntry, b: Owner['entry']) =>
  a.operation === b.operation &&
  (a.manager ?? '') === (b.manager ?? '') &&
  (a.apiVersion ?? '') === (b.apiVersion ?? '') &&
  (a.time ?? '') === (b.time ?? '') &&
  (a.subresource ?? '') === (b.subresource ?? '')

function isWriter({ entry }: Owner, writer: Writer, operation: string): boolean {
  return (
    entry.manager === writer.manager &&
    entry.operation === operation &&
    (entry.subresource ?? '') === writer.subresource &&
    (operation === 'Apply' || entry.apiVersion === writer.apiVersion)
  )
}

function entryOf(writer: Writer, operation: 'Apply' | 'Update'): Owner['entry'] {
  return {
    manager: writer.manager,
    operation,
    apiVersion: writer.apiVersion,
    time: writer.time,
    ...(writer.subresource ? { subresource: writer.subresource } : {}),
  }
}
