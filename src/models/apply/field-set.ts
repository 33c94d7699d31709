/** The managed-fields form of the wire: `{"f:spec":{"f:replicas":{}}}`. */
export type FieldsV1 = { [element: string]: FieldsV1 }

const sets = new WeakMap<FieldsV1, FieldSet>()

/** So many trees are known by their text; those that were not used for longest go first. */
const maxShared = 512
/** Larger ones are of objects that are one of a kind. */
const maxSharedText = 16_384
const shared = new Map<string, FieldsV1>()
/** The texts of the trees in `shared`. */
const texts = new WeakMap<FieldsV1, string>()
/** Trees in the one order in which we write them. */
const ours = new WeakSet<FieldsV1>()

/**
 * One tree for all objects whose owned fields are the same, as those of one template are: most of what an object would weigh.
 * @param text the JSON of the tree, in the order in which we write
 */
export function sharedTree(text: string): FieldsV1 {
  if (text.length > maxSharedText) return JSON.parse(text)
  const known = shared.get(text)
  if (known) shared.delete(text)
  else if (shared.size >= maxShared) forgetOldest()
  const tree = known ?? frozen(JSON.parse(text))
  ours.add(tree)
  shared.set(text, tree)
  texts.set(tree, text)
  return tree
}

function forgetOldest(): void {
  const [text, tree] = shared.entries().next().value!
  shared.delete(text)
  texts.delete(tree)
}

/** The JSON of a tree, if it is at hand: whoever encodes an object need not write it once more. */
export function knownText(tree: FieldsV1): string | undefined {
  return texts.get(tree)
}

function frozen(fields: FieldsV1): FieldsV1 {
  for (const below of Object.values(fields)) frozen(below)
  return Object.freeze(fields)
}

/** What an element of a path begins with; later versions of Kubernetes may know more, which we pass over as it does. */
const ofPaths = /^[fvik]:/

/**
 * A set of fields of one object, as a tree. Path elements are in wire form: `f:name` a field, `k:{"name":"web"}` an
 * element of a keyed list, `v:"x"` an element of a set. An element can be in the set itself, have fields that are, or both.
 */
export class FieldSet {
  readonly members = new Set<string>()
  readonly children = new Map<string, FieldSet>()
  /** The tree that it was read from, if it is one of ours: others may write the same in another way. */
  #wire: FieldsV1 | undefined

  /** True for a tree that we wrote: it needs no check. */
  static isOurs(fields: FieldsV1): boolean {
    return ours.has(fields)
  }

  /** The set is shared by all who read the same tree, and the tree by all whose fields are the same: change neither. */
  static fromWire(fields: FieldsV1): FieldSet {
    let set = sets.get(fields)
    if (!set) {
      set = FieldSet.#read(fields)
      sets.set(fields, set)
      if (ours.has(fields)) set.#wire = fields
    }
    return set
  }

  static #read(fields: FieldsV1): FieldSet {
    const set = new FieldSet()
    for (const [element, below] of Object.entries(fields)) {
      if (element === '.' || !ofPaths.test(element)) continue
      const inner = Object.keys(below ?? {})
      if (inner.length === 0 || inner.includes('.')) set.members.add(element)
      if (inner.some(e => e !== '.')) set.children.set(element, FieldSet.#read(below))
    }
    return set
  }

  toWire(): FieldsV1 {
    return this.#wire ?? sharedTree(JSON.stringify(this.#write()))
  }

  #write(): FieldsV1 {
    const out: FieldsV1 = {}
    for (const element of [...new Set([...this.members, ...this.children.keys()])].sort()) {
      const child = this.children.get(element)
      const below = child ? child.#write() : {}
      out[element] = this.members.has(element) && Object.keys(below).length ? { '.': {}, ...below } : below
    }
    return out
  }

  get isEmpty(): boolean {
    return this.members.size === 0 && this.children.size === 0
  }

  /** The set below an element, made if need be. */
  below(element: string): FieldSet {
    let child = this.children.get(element)
    if (!child) this.children.set(element, (child = new FieldSet()))
    return child
  }

  /** Takes out branches that hold nothing. */
  trimmed(): FieldSet {
    for (const [element, child] of this.children) if (child.trimmed().isEmpty) this.children.delete(element)
    return this
  }

  union(other: FieldSet): FieldSet {
    if (this.includes(other)) return this
    return combine(this, other, (a, b) => a || b)
  }

  difference(other: FieldSet): FieldSet {
    if (!this.touches(other)) return this
    return combine(this, other, (a, b) => a && !b)
  }

  /** True if anything is in both. */
  touches(other: FieldSet): boolean {
    for (const m of other.members) if (this.members.has(m)) return true
    for (const [element, child] of other.children) if (this.children.get(element)?.touches(child)) return true
    return false
  }

  intersection(other: FieldSet): FieldSet {
    return combine(this, other, (a, b) => a && b)
  }

  /** Without the elements of `other` and everything below them. */
  without(other: FieldSet): FieldSet {
    const out = new FieldSet()
    for (const m of this.members) if (!other.members.has(m)) out.members.add(m)
    for (const [element, child] of this.children) {
      if (other.members.has(element)) continue
      const rest = other.children.get(element)
      out.children.set(element, rest ? child.without(rest) : child)
    }
    return out.trimmed()
  }

  equals(other: FieldSet): boolean {
    return this === other || (this.includes(other) && other.includes(this))
  }

  /** True if everything in `other` is in this set. */
  includes(other: FieldSet): boolean {
    for (const m of other.members) if (!this.members.has(m)) return false
    for (const [element, child] of other.children)
      if (!(this.children.get(element) ?? nothing).includes(child)) return false
    return true
  }

  /** Every path in the set. */
  *paths(prefix: readonly string[] = []): Generator<string[]> {
    for (const element of new Set([...this.members, ...this.children.keys()])) {
      if (this.members.has(element)) yield [...prefix, element]
      const child = this.children.get(element)
      if (child) yield* child.paths([...prefix, element])
    }
  }
}

function combine(a: FieldSet, b: FieldSet, keep: (inA: boolean, inB: boolean) => boolean): FieldSet {
  const out = new FieldSet()
  for (const m of new Set([...a.members, ...b.members]))
    if (keep(a.members.has(m), b.members.has(m))) out.members.add(m)
  for (const element of new Set([...a.children.keys(), ...b.children.keys()])) {
    const child = combine(a.children.get(element) ?? nothing, b.children.get(element) ?? nothing, keep)
    if (!child.isEmpty) out.children.set(element, child)
  }
  return out
}

const nothing = new FieldSet()

/** `.spec.containers[name="web"].image`, as people read a path. */
export function pathText(path: readonly string[]): string {
  return path
    .map(element => {
      const rest = element.slice(2)
      if (element.startsWith('f:')) return `.${rest}`
      if (element.startsWith('k:')) {
        const keys = Object.entries(JSON.parse(rest) as Record<string, unknown>)
        return `[${keys.map(([k, v]) => `${k}=${JSON.stringify(v)}`).join(',')}]`
      }
      return element.startsWith('v:') ? `[=${rest}]` : `[${rest}]`
    })
    .join('')
}
