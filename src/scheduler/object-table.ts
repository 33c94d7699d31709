import { type KubeObject, keyOf, keyText } from '../models/object.ts'

/** All objects of one kind as the rules of placement read them: by key, and by one index. */
export class ObjectTable<T extends KubeObject> {
  readonly #objects = new Map<string, T>()
  readonly #indexOf: (object: T) => string | undefined
  readonly #index = new Map<string, Set<T>>()
  readonly #waiting = new Set<() => void>()
  /** Grows with every change. */
  version = 0

  constructor(indexOf: (object: T) => string | undefined = () => undefined) {
    this.#indexOf = indexOf
  }

  get size(): number {
    return this.#objects.size
  }

  /** @param key `namespace/name`, or `name` of a cluster-wide kind */
  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  values(): Iterable<T> {
    return this.#objects.values()
  }

  by(index: string): ReadonlySet<T> {
    return this.#index.get(index) ?? none
  }

  /** @returns what was there before */
  set(object: T): T | undefined {
    const key = keyText(keyOf(object))
    const old = this.#take(key)
    this.#objects.set(key, object)
    const index = this.#indexOf(object)
    if (index !== undefined) {
      const group = this.#index.get(index) ?? new Set()
      this.#index.set(index, group.add(object))
    }
    this.#changed()
    return old
  }

  /** @returns what was there before */
  delete(object: T): T | undefined {
    const old = this.#take(keyText(keyOf(object)))
    if (old) this.#changed()
    return old
  }

  /** Resolves as soon as `test` is true, which is asked now and after every change. Rejects when the signal aborts. */
  async until(test: () => boolean, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (test()) return
    await new Promise<void>((resolve, reject) => {
      const end = () => {
        this.#waiting.delete(look)
        signal.removeEventListener('abort', abort)
      }
      const look = () => {
        if (!test()) return
        end()
        resolve()
      }
      const abort = () => {
        end()
        reject(signal.reason)
      }
      signal.addEventListener('abort', abort)
      this.#waiting.add(look)
    })
  }

  #take(key: string): T | undefined {
    const old = this.#objects.get(key)
    if (!old) return undefined
    this.#objects.delete(key)
    const index = this.#indexOf(old)
    const group = index === undefined ? undefined : this.#index.get(index)
    group?.delete(old)
    if (group && !group.size) this.#index.delete(index!)
    return old
  }

  #changed(): void {
    this.version++
    for (const look of [...this.#waiting]) look()
  }
}

const none: ReadonlySet<never> = new Set()
