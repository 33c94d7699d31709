import type { Clock } from '../base/clock.ts'
import { callJson } from '../client/call-json.ts'
import type { Client } from '../client/client.ts'
import { groupOf } from '../client/owner.ts'
import { objectPath } from '../client/paths.ts'
import type { Kind } from '../models/kind.ts'
import { versionOf } from './owner-graph.ts'
import { discoverKinds, type ServedKind } from './served-kinds.ts'

/** The scale subresource of anything that has one. */
export interface Scale {
  metadata: { name: string; namespace?: string; uid?: string; resourceVersion: string }
  spec?: { replicas?: number }
  status?: { replicas: number; selector?: string }
}

export interface TargetRef {
  apiVersion?: string
  kind: string
  name: string
}

/** The list of kinds is kept so long; asked anew sooner when a kind is not found. */
const keepMs = 30_000

export interface ScaleTargetsOptions {
  /** A kind must be served in the very version that a reference names; in any of its group unless given. */
  sameVersion?: boolean
}

/** Finds and sets the size of objects of any kind, as kubectl scale does. */
export class ScaleTargets {
  #kinds: ServedKind[] = []
  #atMs = -Infinity
  readonly #client: Client
  readonly #clock: Clock
  readonly #sameVersion: boolean

  constructor(client: Client, clock: Clock, { sameVersion = false }: ScaleTargetsOptions = {}) {
    this.#client = client
    this.#clock = clock
    this.#sameVersion = sameVersion
  }

  /** @throws Error when no such kind is served */
  async kindOf(ref: TargetRef): Promise<Kind<any>> {
    return (await this.#served(ref)).kind
  }

  /** Whether objects of that kind have a scale at all. @throws Error when no such kind is served */
  async isScalable(ref: TargetRef): Promise<boolean> {
    return (await this.#served(ref)).subresources.includes('scale')
  }

  async #served(ref: TargetRef): Promise<ServedKind> {
    const group = groupOf(ref.apiVersion)
    const served = (versions: string[]) =>
      !this.#sameVersion || versions.includes(versionOf({ apiVersion: ref.apiVersion ?? '' }))
    const find = () =>
      this.#kinds.find(({ kind, versions }) => kind.group === group && kind.kind === ref.kind && served(versions))
    const old = this.#clock.monotonicMs() - this.#atMs
    if (old > keepMs || (!find() && old > 1_000)) {
      this.#kinds = (await discoverKinds(this.#client)).kinds
      this.#atMs = this.#clock.monotonicMs()
    }
    const found = find()
    if (found) return found
    const where = this.#sameVersion ? `version "${ref.apiVersion}"` : `group "${group}"`
    throw new Error(`no matches for kind "${ref.kind}" in ${where}`)
  }

  /** @throws ApiError NotFound when the object, or its scale, does not exist */
  async get(namespace: string, ref: TargetRef): Promise<Scale> {
    const kind = await this.kindOf(ref)
    return this.#call('GET', objectPath(kind, { namespace, name: ref.name }, 'scale'))
  }

  /** @throws ApiError Conflict when it changed since `scale` was read */
  async set(namespace: string, ref: TargetRef, scale: Scale, replicas: number): Promise<void> {
    const kind = await this.kindOf(ref)
    const body = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: scale.metadata, spec: { replicas } }
    await this.#call('PUT', objectPath(kind, { namespace, name: ref.name }, 'scale'), body)
  }

  async #call(method: string, url: string, body?: object): Promise<Scale> {
    return (await callJson(this.#client, method, url, body)) as Scale
  }
}
