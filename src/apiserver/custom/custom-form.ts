import { same } from '../../base/equality.ts'
import type { CustomSchema } from '../../models/kind.ts'
import type { AnyObject } from '../../models/object.ts'
import type { StoredForm } from '../storage/stored-form.ts'
import type { KeptObject } from '../watch-cache/kept-object.ts'

/** Objects, each in some version, in another one. A promise when somebody else has to be asked. */
export type Convert = (objects: AnyObject[], apiVersion: string) => AnyObject[] | Promise<AnyObject[]>

/** What all versions of a definition have in common. */
export interface DefinitionForm {
  /** `stable.example.com/v1`: in which objects are written. */
  storedAs: string
  /** The definition is as it is since this revision: what was written later needs nothing done to it. */
  since: number
  /** By apiVersion, versions that are not served included. */
  schemas: ReadonlyMap<string, CustomSchema>
  convert: Convert
  /** True when `convert` answers at once. */
  convertsAtOnce: boolean
  ended: AbortSignal
}

export class CustomForm implements StoredForm {
  readonly #definition: DefinitionForm
  readonly #apiVersion: string
  readonly #converted = new WeakMap<KeptObject, AnyObject>()
  readonly #head: Buffer

  constructor(definition: DefinitionForm, apiVersion: string) {
    this.#definition = definition
    this.#apiVersion = apiVersion
    this.#head = Buffer.from(`"apiVersion":${JSON.stringify(definition.storedAs)},`)
  }

  get atOnce(): boolean {
    return this.#definition.convertsAtOnce
  }

  get storedAs(): string {
    return this.#definition.storedAs
  }

  get ended(): AbortSignal {
    return this.#definition.ended
  }

  isServed(object: KeptObject): boolean {
    return this.#apiVersion === this.#definition.storedAs && this.#isCurrent(object)
  }

  /** Stored in the version and with the schema of now. */
  #isCurrent({ revision, bytes }: KeptObject): boolean {
    return revision > this.#definition.since && bytes.subarray(0, 512).includes(this.#head)
  }

  prepare(objects: readonly KeptObject[]): Promise<void> | undefined {
    if (this.#definition.convertsAtOnce) return undefined
    const todo = objects.filter(o => !this.isServed(o) && !this.#converted.has(o))
    const stored = todo.map(o => this.#settled(o))
    const foreign = stored.filter(o => o.apiVersion !== this.#apiVersion)
    if (!foreign.length) return undefined
    return this.#convertAll(todo, stored, foreign)
  }

  async #convertAll(todo: KeptObject[], stored: AnyObject[], foreign: AnyObject[]): Promise<void> {
    const converted = await this.#definition.convert(foreign, this.#apiVersion)
    const byOriginal = new Map(foreign.map((object, i) => [object, this.#pruned(converted[i]!, this.#apiVersion)]))
    todo.forEach((kept, i) => void this.#converted.set(kept, byOriginal.get(stored[i]!) ?? stored[i]!))
  }

  served(object: KeptObject): AnyObject {
    const known = this.#converted.get(object)
    if (known) return known
    if (this.isServed(object)) return object.parse()
    const stored = this.#settled(object)
    if (stored.apiVersion === this.#apiVersion) return stored
    const converted = this.#definition.convert([stored], this.#apiVersion)
    if (converted instanceof Promise) throw new Error(`${object.key} was asked for before it was converted`)
    return this.#pruned(converted[0]!, this.#apiVersion)
  }

  toStored(object: AnyObject): AnyObject | Promise<AnyObject> {
    const { storedAs, convert } = this.#definition
    if (storedAs === this.#apiVersion) return object
    const converted = convert([object], storedAs)
    if (converted instanceof Promise) return converted.then(([stored]) => this.#asStored(stored!))
    return this.#asStored(converted[0]!)
  }

  remember(object: KeptObject, served: AnyObject): void {
    if (this.#definition.convertsAtOnce || this.isServed(object)) return
    const metadata = { ...served.metadata, resourceVersion: String(object.revision) }
    this.#converted.set(object, { ...served, metadata })
  }

  isOutdated(object: KeptObject): boolean {
    if (this.#isCurrent(object)) return false
    const stored = object.parse()
    return stored.apiVersion !== this.#definition.storedAs || !same(stored, this.#settled(object))
  }

  /** As it would be stored had it been written now, but still in the version in which it was written. */
  #settled(object: KeptObject): AnyObject {
    const parsed = object.parse()
    const settled = this.#pruned(parsed, parsed.apiVersion)
    this.#definition.schemas.get(parsed.apiVersion)?.applyDefaults(settled)
    return settled
  }

  /** What another version does not know has its default for whoever reads it. */
  #asStored(object: AnyObject): AnyObject {
    const { storedAs, schemas } = this.#definition
    const stored = this.#pruned(object, storedAs)
    schemas.get(storedAs)?.applyDefaults(stored)
    return stored
  }

  #pruned(object: AnyObject, apiVersion: string): AnyObject {
    return this.#definition.schemas.get(apiVersion)?.prune(object) ?? object
  }
}

/** Strategy None: versions are the same fields under another name. */
export const renamed: Convert = (objects, apiVersion) => objects.map(object => ({ ...object, apiVersion }))
