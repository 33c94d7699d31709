import type { AgentMetrics, CertificateUse } from '../agent/index.ts'
import { keepAllRenewed } from '../base/certificate-rotation.ts'
import type { KeyPair } from '../base/certificates.ts'
import type { OutsideWorld } from './outside.ts'

/** A node's keys, by what they are for. */
export type KeyPairs = Record<CertificateUse, KeyPair>

/** Where a node has its keys from. */
export interface KeySource {
  /** Another pair, for the same names. @throws the signal's reason, and whatever goes wrong */
  ask(use: CertificateUse, signal: AbortSignal): Promise<KeyPair>
  /** Keeps them for the next start. Absent: they are kept already. */
  keep?(keys: KeyPairs): Promise<void>
}

/** The keys of a node that runs. They are replaced before their end: ask here each time that one is used. */
export class NodeKeys {
  /** PEM of the authority of whoever may call the node. */
  readonly ca: string
  readonly #now: KeyPairs
  readonly #source: KeySource
  readonly #followers: ((pair: KeyPair) => void)[] = []
  #kept: Promise<void> = Promise.resolve()

  constructor(ca: string, keys: KeyPairs, source: KeySource) {
    this.ca = ca
    this.#now = { client: keys.client, server: keys.server }
    this.#source = source
  }

  /** By which the API and other nodes know it. */
  get client(): KeyPair {
    return this.#now.client
  }

  /** Of its own server. */
  get server(): KeyPair {
    return this.#now.server
  }

  /** Told the server's pair now, and each that takes its place. */
  followServer(follower: (pair: KeyPair) => void): void {
    this.#followers.push(follower)
    follower(this.#now.server)
  }

  /** Replaces one. @throws when another is not had; the old one is then still in use */
  async renew(use: CertificateUse, signal: AbortSignal): Promise<void> {
    const pair = await this.#source.ask(use, signal)
    this.#now[use] = pair
    if (use === 'server') for (const follow of this.#followers) follow(pair)
    // One after the other, or what was written first could be there last.
    const kept = this.#kept.then(() => this.#source.keep?.(this.#now))
    this.#kept = kept.catch(() => {})
    await kept
  }

  /** Replaces both in time. @returns ends that */
  keepRenewed({ clock, random, log }: OutsideWorld, metrics: AgentMetrics | undefined): () => void {
    const rotations = (['client', 'server'] as const).map(use => ({
      certificate: use,
      current: () => this.#now[use],
      renew: (signal: AbortSignal) => this.renew(use, signal),
      renewed: (seconds: number) => metrics?.certificateRenewed(use, seconds),
      failed: () => metrics?.certificateNotRenewed(use),
      ...{ clock, random, log },
    }))
    return keepAllRenewed(rotations, 'the node stops')
  }
}
