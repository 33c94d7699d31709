import type { AgentMetrics, CertificateUse } from '../agent/index.ts'
import { keepAllRenewed } from '../base/certificate-rotation.ts'
import type { KeyPair } from '../base/certificates.ts'
import { every } from '../base/clock.ts'
import type { OutsideWorld } from './outside.ts'

/** A node's keys, by what they are for. */
export type KeyPairs = Record<CertificateUse, KeyPair>

/** Where a node has its keys from. */
export interface KeySource {
  /** Another pair, for the same names. @throws the signal's reason, and whatever goes wrong */
  ask(use: CertificateUse, signal: AbortSignal): Promise<KeyPair>
  /** The authority as the server shows it now, if it is ours, signed again. Absent: it stays what it is. */
  authority?(signal: AbortSignal): Promise<string | undefined>
  /** Keeps them for the next start. Absent: they are kept already. */
  keep?(keys: KeyPairs, ca: string): Promise<void>
}

/** An authority that was signed again is looked for so often. It takes one handshake. */
const authorityEveryMs = 3_600_000

/** The keys of a node that runs. They are replaced before their end: ask here each time that one is used. */
export class NodeKeys {
  #ca: string
  readonly #now: KeyPairs
  readonly #source: KeySource
  readonly #followers: ((pair: KeyPair) => void)[] = []
  #kept: Promise<void> = Promise.resolve()

  constructor(ca: string, keys: KeyPairs, source: KeySource) {
    this.#ca = ca
    this.#now = { client: keys.client, server: keys.server }
    this.#source = source
  }

  /** PEM of the authority of the API server, and of whoever may call the node. */
  get ca(): string {
    return this.#ca
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
    await this.#keep()
  }

  /** Takes the authority as the server has it now. @throws when the server does not answer */
  async renewAuthority(signal: AbortSignal): Promise<void> {
    const ca = await this.#source.authority?.(signal)
    if (!ca || ca === this.#ca) return
    this.#ca = ca
    for (const follow of this.#followers) follow(this.#now.server)
    await this.#keep()
  }

  async #keep(): Promise<void> {
    // One after the other, or what was written first could be there last.
    const kept = this.#kept.then(() => this.#source.keep?.(this.#now, this.#ca))
    this.#kept = kept.catch(() => {})
    await kept
  }

  /** Replaces both in time, and the authority when the server has another of the same key. @returns ends that */
  keepRenewed({ clock, random, log }: OutsideWorld, metrics: AgentMetrics | undefined): () => void {
    const rotations = (['client', 'server'] as const).map(use => ({
      certificate: use,
      current: () => this.#now[use],
      renew: (signal: AbortSignal) => this.renew(use, signal),
      renewed: (seconds: number) => metrics?.certificateRenewed(use, seconds),
      failed: () => metrics?.certificateNotRenewed(use),
      ...{ clock, random, log },
    }))
    const stop = new AbortController()
    const look = async () => {
      const before = this.#ca
      await this.renewAuthority(stop.signal).catch(error => log.debug({ error }, 'authority not looked at'))
      if (this.#ca !== before) log.info({}, 'the authority was signed again; the new certificate is used')
    }
    if (this.#source.authority) every(clock, authorityEveryMs, look, stop.signal)
    const letBe = keepAllRenewed(rotations, 'the node stops')
    return () => {
      stop.abort()
      letBe()
    }
  }
}
