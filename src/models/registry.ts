import { apiVersionOf, type Kind } from './kind.ts'

/** One API group and its versions, as discovery lists them. */
export interface GroupVersions {
  group: string
  /** Preferred first. */
  versions: string[]
}

/** Kinds that the API serves under a path of another kind only; they are no resource of their own. */
export type AnyKind = Kind<any>

/**
 * Priority of groups in discovery, highest first; equal ones by name. The numbers are those of the APIService objects
 * that a Kubernetes API server registers for its own groups.
 */
const groupPriorities: Record<string, number> = {
  '': 18_000,
  'apiregistration.k8s.io': 18_000,
  extensions: 17_900,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'apiextensions.k8s.io': 16_700,
  'admissionregistration.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'resource.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  'optiflow.dev': 15_000,
}
const customPriority = 1_000

/** All kinds that are served, by every name they are asked for. Kinds may come and go while it is in use. */
export class KindRegistry {
  #byResource = new Map<string, AnyKind>()
  #byKind = new Map<string, AnyKind>()
  #priorities = new Map<string, number>()
  #listeners = new Set<() => void>()
  #groups: GroupVersions[] | undefined
  /** Grows with every change: what caches of discovery and OpenAPI compare. */
  generation = 0

  constructor(kinds: Iterable<AnyKind> = []) {
    for (const kind of kinds) this.add(kind)
  }

  /**
   * Serves the kind from now on; one of the same group, version and name is replaced.
   * @param groupPriority place of its group in discovery, higher first (an APIService's groupPriorityMinimum)
   * @throws Error if another kind already has the plural
   */
  add(kind: AnyKind, groupPriority?: number): void {
    const resource = resourceKey(kind.group, kind.version, kind.plural)
    const taken = this.#byResource.get(resource)
    if (taken && taken.kind !== kind.kind)
      throw new Error(`${apiVersionOf(kind)} ${kind.plural} is already the resource of ${taken.kind}`)
    const previous = this.#byKind.get(kindKey(kind.group, kind.version, kind.kind))
    if (previous) this.#byResource.delete(resourceKey(previous.group, previous.version, previous.plural))
    this.#byResource.set(resource, kind)
    this.#byKind.set(kindKey(kind.group, kind.version, kind.kind), kind)
    if (groupPriority !== undefined) this.#priorities.set(kind.group, groupPriority)
    this.#changed()
  }

  /** Serves it no more. False if it was not served. */
  remove(kind: { group: string; version: string; kind: string }): boolean {
    const known = this.#byKind.get(kindKey(kind.group, kind.version, kind.kind))
    if (!known) return false
    this.#byKind.delete(kindKey(known.group, known.version, known.kind))
    this.#byResource.delete(resourceKey(known.group, known.version, known.plural))
    this.#changed()
    return true
  }

  /** `''`, `v1`, `pods` */
  byResource(group: string, version: string, plural: string): AnyKind | undefined {
    return this.#byResource.get(resourceKey(group, version, plural))
  }

  /** `apps`, `v1`, `Deployment` */
  byKind(group: string, version: string, kind: string): AnyKind | undefined {
    return this.#byKind.get(kindKey(group, version, kind))
  }

  /** `apps/v1`, `Deployment`: as objects and owner references name it. */
  byApiVersion(apiVersion: string, kind: string): AnyKind | undefined {
    const slash = apiVersion.indexOf('/')
    return slash < 0
      ? this.byKind('', apiVersion, kind)
      : this.byKind(apiVersion.slice(0, slash), apiVersion.slice(slash + 1), kind)
  }

  /** The kind in the group's preferred version that has it. */
  byGroupKind(group: string, kind: string): AnyKind | undefined {
    return this.#first(group, version => this.byKind(group, version, kind))
  }

  /** The resource in the group's preferred version that has it. */
  byGroupResource(group: string, plural: string): AnyKind | undefined {
    return this.#first(group, version => this.byResource(group, version, plural))
  }

  #first(group: string, find: (version: string) => AnyKind | undefined): AnyKind | undefined {
    for (const version of this.versions(group)) {
      const kind = find(version)
      if (kind) return kind
    }
    return undefined
  }

  all(): AnyKind[] {
    return [...this.#byKind.values()]
  }

  /** Those that own their storage: each stored object once, however many versions serve it. */
  stored(): AnyKind[] {
    return this.all().filter(kind => !kind.storedAs)
  }

  /** The kinds of one group version, in the order they were added. */
  inGroupVersion(group: string, version: string): AnyKind[] {
    return this.all().filter(kind => kind.group === group && kind.version === version)
  }

  /** Groups in discovery order, the core group first. */
  groups(): GroupVersions[] {
    this.#groups ??= this.#sortGroups()
    return this.#groups
  }

  /** Versions of a group, preferred first; [] if it is not served. */
  versions(group: string): string[] {
    return this.groups().find(g => g.group === group)?.versions ?? []
  }

  preferredVersion(group: string): string | undefined {
    return this.versions(group)[0]
  }

  /** The place of a group in discovery, higher first. */
  groupPriority(group: string): number {
    return (
      this.#priorities.get(group) ?? (Object.hasOwn(groupPriorities, group) ? groupPriorities[group]! : customPriority)
    )
  }

  /** Calls back after every change. @returns a function that ends it */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #changed(): void {
    this.generation++
    this.#groups = undefined
    for (const listener of [...this.#listeners]) listener()
  }

  #sortGroups(): GroupVersions[] {
    const versions = new Map<string, Set<string>>()
    for (const kind of this.#byKind.values())
      versions.set(kind.group, (versions.get(kind.group) ?? new Set()).add(kind.version))
    return [...versions]
      .map(([group, set]) => ({ group, versions: [...set].sort(compareVersions) }))
      .sort((a, b) => this.groupPriority(b.group) - this.groupPriority(a.group) || (a.group < b.group ? -1 : 1))
  }
}

const resourceKey = (group: string, version: string, plural: string) => `${group}/${version}/${plural}`
const kindKey = resourceKey

/**
 * Kubernetes' order of versions, best first: stable before beta before alpha, higher numbers first, other names last by
 * alphabet. v10, v2, v1, v2beta1, v1alpha1, foo.
 */
export function compareVersions(a: string, b: string): number {
  const left = rank(a)
  const right = rank(b)
  if (left && right) return right[0] - left[0] || right[1] - left[1] || right[2] - left[2]
  if (left || right) return left ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

function rank(version: string): [stability: number, major: number, minor: number] | undefined {
  const found = /^v(\d{1,9})(?:(alpha|beta)(\d{1,9}))?$/.exec(version)
  if (!found) return undefined
  return [found[2] === undefined ? 3 : found[2] === 'beta' ? 2 : 1, Number(found[1]), Number(found[3] ?? 0)]
}
