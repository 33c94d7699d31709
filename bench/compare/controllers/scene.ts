import { pause } from '../../support/statistics.ts'
import type { Json, Side } from '../side.ts'
import { finishPod, setPod } from './actor.ts'
import { type Place, placeOf } from './places.ts'

const patienceMs = 30_000

/** One cluster, as the steps of one story see it. Names are in the story's namespace. */
export class Scene {
  readonly side: Side
  readonly namespace: string
  /** What this cluster's hashes of templates are called, in the order in which they came. */
  readonly hashes = new Map<string, string>()

  constructor(side: Side, namespace: string) {
    this.side = side
    this.namespace = namespace
  }

  path(kind: string | Place, name = ''): string {
    const place = typeof kind === 'string' ? placeOf(kind) : kind
    const inside = place.namespaced ? `/namespaces/${this.namespace}` : ''
    return `${place.root}${inside}/${place.plural}${name ? `/${name}` : ''}`
  }

  create(plural: string, name: string, body: Json): Promise<Json> {
    const { kind, apiVersion } = placeOf(plural)
    const metadata = { name, labels: { story: this.namespace }, ...body.metadata }
    return this.side.json('POST', this.path(plural), { apiVersion, kind, ...body, metadata })
  }

  get(plural: string, name: string): Promise<Json> {
    return this.side.json('GET', this.path(plural, name))
  }

  async list(plural: string): Promise<Json[]> {
    return (await this.side.json('GET', this.path(plural))).items
  }

  /** A JSON merge patch. @param part `status`, `scale` */
  patch(plural: string, name: string, body: Json, part = ''): Promise<Json> {
    const path = `${this.path(plural, name)}${part ? `/${part}` : ''}`
    return this.side.json('PATCH', path, body, 'application/merge-patch+json')
  }

  scale(plural: string, name: string, replicas: number): Promise<Json> {
    return this.patch(plural, name, { spec: { replicas } })
  }

  delete(plural: string, name: string, options: Json = {}): Promise<Json> {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...options }
    return this.side.json('DELETE', this.path(plural, name), body)
  }

  /** In the order of their names, which is that of their ordinals where they have any. */
  async pods(which: (pod: Json) => boolean = () => true): Promise<Json[]> {
    const pods = await this.list('pods')
    return pods
      .filter(pod => !pod.metadata.deletionTimestamp && which(pod))
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
  }

  /** Waits for so many pods that satisfy, and returns them. @throws Error when they do not come */
  async awaitPods(
    count: number,
    which: (pod: Json) => boolean = pod => pod.status.phase === 'Running',
  ): Promise<Json[]> {
    const startedAt = performance.now()
    for (;;) {
      const pods = await this.pods(which)
      if (pods.length === count) return pods
      if (performance.now() - startedAt > patienceMs)
        throw new Error(`${this.side.name}: ${pods.length} pods instead of ${count} in ${this.namespace}`)
      await pause(200)
    }
  }

  /** The containers of running pods end. */
  async finish(code: number, which: (pod: Json) => boolean, count = 1): Promise<void> {
    const running = await this.awaitPods(count, pod => pod.status.phase === 'Running' && which(pod))
    for (const pod of running.slice(0, count)) await finishPod(this.side, pod, code)
  }

  /** What a kubelet reports of a pod. */
  set(pod: Json, status: Json): Promise<Json> {
    return setPod(this.side, pod, status)
  }
}
