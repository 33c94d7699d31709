import { createHash } from 'node:crypto'
import { every, microTimestamp } from '../../base/clock.ts'
import { explain } from '../../base/errors.ts'
import { Lease } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import type { Lease as LeaseObject } from '../../models/types/coordination-v1.ts'
import type { Core } from '../core.ts'
import type { ServerAddress } from './api-endpoints.ts'
import { put, remove } from './ensure.ts'

const namespace = 'kube-system'
const label = 'apiserver.kubernetes.io/identity'
const addressAnnotation = 'optiflow.dev/address'
/** A server that has not renewed its Lease for so long is dead. */
const leaseMs = 15_000
const renewMs = 5_000

interface Seen {
  revision: number
  atMs: number
}

/**
 * Tells the cluster where its API servers are. Each keeps a Lease, as kube-apiserver does, and each makes the endpoints of the
 * `kubernetes` Service those whose Leases live; the first to notice a dead one takes it out. Only our own clock since the last
 * renewal that we saw counts, never the times of others.
 */
export class ServerPresence {
  readonly #core: Core
  /** Others serve the same store. */
  readonly #shared: boolean
  readonly #publish: (living: ServerAddress[]) => Promise<void>
  readonly #stop = new AbortController()
  readonly #seen = new Map<string, Seen>()
  #own: ServerAddress | undefined
  #working: Promise<void> = Promise.resolve()

  /** @param publish told whose Leases live, one at least, whenever we looked */
  constructor(core: Core, shared: boolean, publish: (living: ServerAddress[]) => Promise<void>) {
    this.#core = core
    this.#shared = shared
    this.#publish = publish
  }

  /** That of its Lease; '' before it is announced. */
  get name(): string {
    return this.#own ? leaseName(this.#own) : ''
  }

  async announce(address: ServerAddress): Promise<void> {
    this.#own = address
    await this.#renew()
    if (this.#shared) every(this.#core.clock, renewMs, () => this.#renewOrWarn(), this.#stop.signal)
  }

  /** Once what is published with the addresses is another one. Does nothing before it is announced. */
  async publishAgain(): Promise<void> {
    if (this.#own) await this.#publish(this.#shared ? this.#living() : [this.#own])
  }

  /** The others need not wait until the Lease has run out. */
  async withdraw(): Promise<void> {
    this.#stop.abort()
    await this.#working
    if (!this.#shared || !this.#own) return
    await remove(this.#core, Lease, namespace, leaseName(this.#own))
    const others = this.#living().filter(a => leaseName(a) !== leaseName(this.#own!))
    if (others.length) await this.#publish(others)
  }

  #renewOrWarn(): Promise<void> {
    this.#working = this.#renew().catch(error => {
      this.#core.log.warn({ error: explain(error) }, 'the address of this server was not renewed')
    })
    return this.#working
  }

  async #renew(): Promise<void> {
    const own = this.#own!
    if (!this.#shared) return this.#publish([own])
    await put(this.#core, Lease, {
      metadata: {
        name: leaseName(own),
        namespace,
        labels: { [label]: 'kube-apiserver' },
        annotations: { [addressAnnotation]: addressText(own) },
      } as unknown as AnyObject['metadata'],
      spec: {
        holderIdentity: addressText(own),
        leaseDurationSeconds: leaseMs / 1000,
        renewTime: microTimestamp(this.#core.clock),
      },
    })
    await this.#publish(this.#living())
    for (const name of this.#dead()) await remove(this.#core, Lease, namespace, name)
  }

  /** Ourselves, and whoever renewed lately. */
  #living(): ServerAddress[] {
    this.#look()
    const now = this.#core.clock.monotonicMs()
    const others = [...this.#seen].filter(([, { atMs }]) => now - atMs < leaseMs)
    return [this.#own!, ...others.map(([name]) => this.#addressOf(name)).filter(a => a !== undefined)]
  }

  #dead(): string[] {
    const now = this.#core.clock.monotonicMs()
    return [...this.#seen].filter(([, { atMs }]) => now - atMs >= leaseMs).map(([name]) => name)
  }

  #look(): void {
    const { cache, resources, clock } = this.#core
    const there = new Set<string>()
    for (const { name, revision } of cache.bucket(resources.of(Lease)).list(namespace)) {
      if (name === leaseName(this.#own!) || !this.#addressOf(name)) continue
      there.add(name)
      if (this.#seen.get(name)?.revision !== revision) this.#seen.set(name, { revision, atMs: clock.monotonicMs() })
    }
    for (const name of this.#seen.keys()) if (!there.has(name)) this.#seen.delete(name)
  }

  #addressOf(name: string): ServerAddress | undefined {
    const { cache, resources } = this.#core
    const kept = name.startsWith('apiserver-') ? cache.get(resources.of(Lease), namespace, name) : undefined
    const { metadata } = (kept ? this.#core.shared(kept) : {}) as Partial<LeaseObject>
    if (metadata?.labels?.[label] !== 'kube-apiserver') return undefined
    const [, ip, port] = /^(.+):(\d+)$/.exec(metadata.annotations?.[addressAnnotation] ?? '') ?? []
    return ip && port ? { ip, port: Number(port) } : undefined
  }
}

const addressText = ({ ip, port }: ServerAddress) => `${ip}:${port}`

/** The same for a server that is started again. */
function leaseName(address: ServerAddress): string {
  return `apiserver-${createHash('sha256').update(addressText(address)).digest('hex').slice(0, 26)}`
}
