import { createHash } from 'node:crypto'
import { apiVersionOf, type Kind, type Verb } from '../models/kind.ts'
import { KindRegistry } from '../models/registry.ts'
import type { StoredForm } from './storage/stored-form.ts'

/** One served collection: a kind at a version, and the kind whose form is stored. */
export interface Resource {
  kind: Kind<any>
  /** `kind` itself unless it is another version or group of the same objects. */
  stored: Kind<any>
  verbs: ReadonlySet<Verb>
  namespaced: boolean
  /** `v1`, `apps/v1` */
  apiVersion: string
  /** Begins the store's key of each object: `/registry/core/pods/`. */
  prefix: string
  /** Custom resources: how stored objects become those of this version. */
  form?: StoredForm
}

export interface ServedVersion {
  version: string
  resources: Resource[]
}

export interface ServedGroup {
  group: string
  /** The preferred version first. */
  versions: ServedVersion[]
}

const allVerbs: Verb[] = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']

/** What is served, by group, version and plural; follows the registry of kinds, which may change at any time. */
export class ResourceTable {
  readonly kinds: KindRegistry
  readonly #byKind = new WeakMap<Kind<any>, Resource>()

  constructor(kinds: Iterable<Kind<any>>) {
    this.kinds = new KindRegistry(kinds)
  }

  /** Grows with every change. */
  get generation(): number {
    return this.kinds.generation
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    const kind = this.kinds.byResource(group, version, plural)
    return kind && this.of(kind)
  }

  /** The resource of a kind by its names, in the preferred version unless one is given. */
  findKind(group: string, kind: string, version?: string): Resource | undefined {
    const found = version === undefined ? this.kinds.byGroupKind(group, kind) : this.kinds.byKind(group, version, kind)
    return found && this.of(found)
  }

  of(kind: Kind<any>): Resource {
    let resource = this.#byKind.get(kind)
    if (!resource) this.#byKind.set(kind, (resource = resourceOf(kind)))
    return resource
  }

  /** Says how the stored objects of a custom kind become what it serves, before the kind is added. */
  define(kind: Kind<any>, form: StoredForm): void {
    this.#byKind.set(kind, { ...resourceOf(kind), form })
  }

  all(): Resource[] {
    return this.kinds.all().map(kind => this.of(kind))
  }

  /** In discovery order, the core group first; resources by name, which is the order in which `kubectl get all` shows them. */
  groups(): ServedGroup[] {
    return this.kinds.groups().map(({ group, versions }) => ({
      group,
      versions: versions.map(version => ({
        version,
        resources: this.kinds
          .inGroupVersion(group, version)
          .map(kind => this.of(kind))
          .sort((a, b) => (a.kind.plural < b.kind.plural ? -1 : 1)),
      })),
    }))
  }
}

function resourceOf(kind: Kind<any>): Resource {
  const stored = kind.storedAs?.kind ?? kind
  return {
    kind,
    stored,
    verbs: new Set(kind.verbs ?? allVerbs),
    namespaced: kind.scope === 'Namespaced',
    apiVersion: apiVersionOf(kind),
    prefix: `/registry/${stored.group || 'core'}/${stored.plural}/`,
  }
}

/** Short and stable; changes when the stored form of the resource does. */
export function storageVersionHash(r: Resource): string {
  const version = r.form ? r.form.storedAs.split('/')[1] : r.stored.version
  const { group, kind } = r.stored
  // Kubernetes still stores definitions in their first form: who compares hashes takes ours for another otherwise.
  const text = `${group}/${kind === 'CustomResourceDefinition' ? 'v1beta1' : version}/${kind}`
  return createHash('sha256').update(text).digest().subarray(0, 8).toString('base64')
}
