import { type KubeObject, keyOf, keyText, type ObjectKey } from '../models/object.ts'

interface Index<T> {
  values(object: T): string[]
  buckets: Map<string, Map<string, T>>
}

const namespaceIndex = '$namespace'

/** Objects by key, and by any number of named indexes, which are kept as objects come and go. */
export class ObjectIndex<T extends KubeObject> {
  #objects = new Map<string, T>()
  #indexes = new Map<string, Index<T>>()

  get size(): number {
    return this.#objects.size
  }

  get(key: ObjectKey): T | undefined {
    return this.#objects.get(keyText(key))
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys()
  }

  byText(key: string): T | undefined {
    return this.#objects.get(key)
  }

  list(namespace?: string): T[] {
    if (namespace === undefined) return [...this.#objects.values()]
    this.addIndex(namespaceIndex, o => [o.metadata.namespace ?? ''])
    return this.byIndex(namespaceIndex, namespace)
  }

  /** A second index of the same name is ignored: several users may declare the one they share. */
  addIndex(name: string, values: (object: T) => string[]): void {
    if (this.#indexes.has(name)) return
    const index: Index<T> = { values, buckets: new Map() }
    this.#indexes.set(name, index)
    for (const [key, object] of this.#objects) insert(index, key, object)
  }

  hasIndex(name: string): boolean {
    return this.#indexes.has(name)
  }

  byIndex(name: string, value: string): T[] {
    const bucket = this.#indexes.get(name)?.buckets.get(value)
    return bucket ? [...bucket.values()] : []
  }

  /** @returns the object that was there before. */
  set(object: T): T | undefined {
    const key = keyText(keyOf(object))
    const old = this.#objects.get(key)
    this.replace(key, object, old)
    return old
  }

  /** `set` for whoever has looked already: the key is the object's, `old` what is there now. */
  replace(key: string, object: T, old: T | undefined): void {
    this.#objects.set(key, object)
    for (const index of this.#indexes.values()) {
      if (old) remove(index, key, old)
      insert(index, key, object)
    }
  }

  delete(key: string): T | undefined {
    const old = this.#objects.get(key)
    if (!old) return undefined
    this.#objects.delete(key)
    for (const index of this.#indexes.values()) remove(index, key, old)
    return old
  }
}

function insert<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    let bucket = index.buckets.get(value)
    if (!bucket) index.buckets.set(value, (bucket = new Map()))
    bucket.set(key, object)
  }
}

function remove<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    const bucket = index.buckets.get(value)
    bucket?.delete(key)
    if (bucket?.size === 0) index.buckets.delete(value)
  }
}
