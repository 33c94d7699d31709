import type { Kind } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import {
  decodeObject,
  holdsLongInteger,
  metadataEnd,
  metadataNameLength,
  metadataOffset,
  withoutRevision,
  withRevision,
} from '../storage/object-bytes.ts'

/** What selectors look at. */
export interface Facts {
  labels: Record<string, string> | undefined
  /** Values of the kind's selectable fields besides name and namespace. */
  fields: Record<string, string> | undefined
}

/** What who wrote an object need not read again. */
export interface Written {
  facts: Facts
  /** The object that was written, never to be changed again; undefined where JSON.parse would read other numbers. */
  value: AnyObject | undefined
}

/** Bytes of which it may be that nobody asks for them. */
export interface LateBytes {
  /** About how many. */
  size: number
  /** Called once at most. */
  write(): Buffer
}

/** One state of one object: the bytes that are served, and what selectors need of them. Never changed. */
export class KeptObject {
  readonly key: string
  /** '' for cluster-wide objects. */
  readonly namespace: string
  readonly name: string
  readonly revision: number
  #bytes: Buffer | LateBytes
  #facts: Facts | undefined
  #readable: boolean | undefined
  /** Weak: informers of this process hold it for as long as they want it, and of other objects nobody needs it. */
  #value: WeakRef<AnyObject> | undefined
  #plain: boolean | undefined
  #metadataEnd = 0

  /** @param writer what the writer of these bytes knows of them */
  constructor(
    key: string,
    namespace: string,
    name: string,
    revision: number,
    bytes: Buffer | LateBytes,
    writer?: Written,
  ) {
    this.key = key
    this.namespace = namespace
    this.name = name
    this.revision = revision
    this.#bytes = bytes
    if (!writer) return
    this.#facts = writer.facts
    this.#readable = true
    this.#plain = writer.value !== undefined
    if (writer.value) this.#value = new WeakRef(writer.value)
  }

  /** The served form of the stored kind, resourceVersion included. */
  get bytes(): Buffer {
    if (!Buffer.isBuffer(this.#bytes)) this.#bytes = this.#bytes.write()
    return this.#bytes
  }

  /** About how many bytes there are. */
  get size(): number {
    return Buffer.isBuffer(this.#bytes) ? this.#bytes.length : this.#bytes.size
  }

  /** False if the bytes are no object: the disk, or somebody else who wrote to the store, damaged them. Looked at once. */
  get readable(): boolean {
    return (this.#readable ??= isObject(this.bytes))
  }

  /** Whether it is being deleted. */
  get leaving(): boolean {
    return this.readable && this.value().metadata.deletionTimestamp !== undefined
  }

  /** A new object each time, the caller's to change. */
  parse(): AnyObject {
    return decodeObject(this.bytes)
  }

  /** The object as everybody reads it: not to be changed. */
  value(): AnyObject {
    let value = this.#value?.deref()
    if (!value) {
      value = this.parse()
      this.#value = new WeakRef(value)
    }
    return value
  }

  /** The same, unless it holds integers that JSON.parse would round: its users expect numbers. */
  plainValue(): AnyObject | undefined {
    this.#plain ??= !holdsLongInteger(this.bytes)
    return this.#plain ? this.value() : undefined
  }

  /** This state as its deletion shows it: with the number of its end. */
  endedAt(revision: number): KeptObject {
    const write = () => withRevision(withoutRevision(this.bytes), revision)
    const ended = new KeptObject(this.key, this.namespace, this.name, revision, { size: this.size, write })
    ended.#readable = this.#readable
    ended.#facts = this.#facts
    // Where nobody holds the object it is not read from the bytes for this.
    const value = this.#plain ? this.#value?.deref() : undefined
    if (value) {
      ended.#plain = true
      const metadata = { ...value.metadata, resourceVersion: String(revision) }
      ended.#value = new WeakRef({ ...value, metadata })
    }
    return ended
  }

  /** The bytes of its metadata alone, braces included. */
  metadataBytes(): Buffer {
    const start = metadataOffset(this.bytes) + metadataNameLength
    this.#metadataEnd ||= metadataEnd(this.bytes, start)
    return this.bytes.subarray(start, this.#metadataEnd)
  }

  facts(kind: Kind<any>): Facts {
    if (!this.#facts) {
      try {
        this.#facts = factsOf(kind, this.value())
      } catch {
        this.#facts = { labels: undefined, fields: undefined }
      }
    }
    return this.#facts
  }
}

function isObject(bytes: Buffer): boolean {
  try {
    const { metadata } = decodeObject(bytes)
    return typeof metadata === 'object' && metadata !== null && typeof metadata.name === 'string'
  } catch {
    return false
  }
}

export function factsOf(kind: Kind<any>, object: AnyObject): Facts {
  let fields: Record<string, string> | undefined
  if (kind.fields) {
    fields = {}
    for (const name in kind.fields) {
      try {
        fields[name] = kind.fields[name]!(object)
      } catch {
        // A stored object that lacks what the kind requires has no such field.
        fields[name] = ''
      }
    }
  }
  return { labels: object.metadata.labels, fields }
}
