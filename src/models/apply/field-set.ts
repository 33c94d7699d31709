/** The managed-fields form of the wire: `{"f:spec":{"f:replicas":{}}}`. */
export type FieldsV1 = { [element: string]: FieldsV1 }

/**
 * A set of fields of one object, as a tree. Path elements are in wire form: `f:name` a field, `k:{"name":"web"}` an
 * element of a keyed list, `v:"x"` an element of a set. An element can be in the set itself, have fields that are, or both.
 */
export class FieldSet {
  readonly members = new Set<string>()
  readonly children = new Map<string, FieldSet>()

  static fromWire(fields: FieldsV1): FieldSet {
    const set = new FieldSet()
    for (const [element, below] of Object.entries(fields)) {
      if (element === '.') continue
      const inner = Object.keys(below ?? {})
      if (inner.length === 0 || inner.includes('.')) set.members.add(element)
      if (inner.some(e => e !== '.')) set.children.set(element, FieldSet.fromWire(below))
    }
    return set
  }

  toWire(): FieldsV1 {
    const out: FieldsV1 = {}
    for (const element of [...new Set([...this.members, ...this.children.keys()])].sort()) {
      const below = this.children.get(element)?.toWire() ?? {}
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
    return combine(this, other, (a, b) => a || b)
  }

  difference(other: FieldSet): FieldSet {
    return combine(this, other, (a, b) => a && !b)
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
    return this.difference(other).isEmpty && other.difference(this).isEmpty
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
