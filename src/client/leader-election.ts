import { type Clock, microTimestamp, sleep } from '../base/clock.ts'
import { explain } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Random } from '../base/random.ts'
import { isNotFound } from '../models/api-error.ts'
import { Lease as LeaseKind } from '../models/kinds/index.ts'
import type { Lease, LeaseSpec } from '../models/types/coordination-v1.ts'
import type { Client } from './client.ts'

export interface LeaderElectionOptions {
  client: Client
  clock: Clock
  random: Random
  log: Logger
  /** The lease that is fought over: `kube-scheduler`. */
  name: string
  /** `kube-system` unless said otherwise. */
  namespace?: string
  /** Unique among processes that may live at the same time. One that comes back under its old identity leads again at once. */
  identity: string
  /** Others wait so long after the last renewal; 15 000 unless said otherwise. */
  leaseDurationMs?: number
  /** A leader that could not renew for so long gives up; 10 000. Must be shorter than the lease. */
  renewDeadlineMs?: number
  /** Between attempts, up to 20 % more by chance; 2 000. */
  retryPeriodMs?: number
}

export interface Leadership {
  /** Aborts when leadership is lost or given up. */
  signal: AbortSignal
  /** Grows with each leader: whoever sees a smaller one is being written to by a leader of the past. */
  fencingToken: number
  /** Names this term to the API server: see Client.under. */
  fence: string
}

export interface LeaderElection {
  readonly leading: boolean
  /** Who leads, as far as is known. */
  readonly leader: string | undefined
  /**
   * Campaigns, runs `work` while leading, and campaigns again when leadership was lost, until `signal` aborts. The lease is
   * released when `work` has ended. `work` must end soon after its signal aborts.
   */
  run(work: (leadership: Leadership) => Promise<void>, signal: AbortSignal): Promise<void>
}

/** One leader at a time by a Lease. Only the monotonic clock counts: the times in the lease are for people. */
export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const { client, clock, random, log, name, identity } = options
  const key = { namespace: options.namespace ?? 'kube-system', name }
  const leaseDurationMs = options.leaseDurationMs ?? 15_000
  const renewDeadlineMs = options.renewDeadlineMs ?? 10_000
  const retryPeriodMs = options.retryPeriodMs ?? 2_000
  if (renewDeadlineMs >= leaseDurationMs)
    throw new RangeError(`renewDeadlineMs ${renewDeadlineMs} must be less than leaseDurationMs ${leaseDurationMs}`)

  let observed: { lease: Lease; atMs: number } | undefined
  let leading = false
  const pause = (signal: AbortSignal) => sleep(clock, retryPeriodMs * (1 + 0.2 * random.next()), signal).catch(() => {})

  function observe(lease: Lease): Lease {
    // A renewal restarts the wait; when we saw it counts, not when the leader's clock says it was.
    if (observed?.lease.metadata.resourceVersion !== lease.metadata.resourceVersion)
      observed = { lease, atMs: clock.monotonicMs() }
    return lease
  }

  function heldByOther(): boolean {
    const { holderIdentity, leaseDurationSeconds } = observed?.lease.spec ?? {}
    if (!observed || !holderIdentity || holderIdentity === identity) return false
    return clock.monotonicMs() - observed.atMs < (leaseDurationSeconds ?? 15) * 1_000
  }

  function claim(previous?: LeaseSpec): LeaseSpec {
    const now = microTimestamp(clock)
    return {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDurationMs / 1_000),
      acquireTime: now,
      renewTime: now,
      leaseTransitions: previous ? (previous.leaseTransitions ?? 0) + 1 : 1,
    }
  }

  /** @returns true if the lease is ours now */
  async function acquire(signal: AbortSignal): Promise<boolean> {
    try {
      const lease = observe(await client.get(LeaseKind, key, { signal }))
      if (heldByOther()) return false
      observe(await client.update(LeaseKind, { ...lease, spec: claim(lease.spec) }, { signal }))
      return true
    } catch (error) {
      if (!isNotFound(error)) throw error
      observe(await client.create<Lease>(LeaseKind, { metadata: key, spec: claim() }, { signal }))
      return true
    }
  }

  async function renew(signal: AbortSignal): Promise<void> {
    const renewed = (lease: Lease) => ({ ...lease, spec: { ...lease.spec, renewTime: microTimestamp(clock) } })
    try {
      observe(await client.update(LeaseKind, renewed(observed!.lease), { signal }))
    } catch {
      // Somebody may have edited the lease, or an earlier renewal arrived without our hearing of it: look before giving up.
      const token = observed!.lease.spec.leaseTransitions
      const lease = await client.get(LeaseKind, key, { signal })
      if (lease.spec.holderIdentity !== identity || lease.spec.leaseTransitions !== token)
        throw new LeadershipLost(lease.spec.holderIdentity)
      observe(await client.update(LeaseKind, renewed(lease), { signal }))
    }
  }

  async function keepRenewing(lost: AbortController, since: number): Promise<void> {
    let renewedMs = since
    while (!lost.signal.aborted) {
      // The deadline also ends a renewal that hangs.
      const leftMs = Math.max(renewedMs + renewDeadlineMs - clock.monotonicMs(), 0)
      const cancel = clock.schedule(leftMs, () => lost.abort(new LeadershipLost(undefined)))
      await pause(lost.signal)
      const began = clock.monotonicMs()
      try {
        if (!lost.signal.aborted) await renew(lost.signal)
        renewedMs = began
      } catch (error) {
        if (error instanceof LeadershipLost) lost.abort(error)
        else if (!lost.signal.aborted) log.warn({ lease: name, error: explain(error) }, 'lease not renewed')
      } finally {
        cancel()
      }
    }
  }

  async function release(): Promise<void> {
    const giveUp = new AbortController()
    const cancel = clock.schedule(2_000, () => giveUp.abort())
    try {
      const { lease } = observed!
      const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTimestamp(clock) }
      observe(await client.update(LeaseKind, { ...lease, spec }, { signal: giveUp.signal }))
    } catch (error) {
      log.info({ lease: name, error: explain(error) }, 'lease not released; it expires by itself')
    } finally {
      cancel()
    }
  }

  async function lead(work: (l: Leadership) => Promise<void>, signal: AbortSignal, since: number): Promise<void> {
    const lost = new AbortController()
    const onStop = () => lost.abort(signal.reason)
    signal.addEventListener('abort', onStop, { once: true })
    if (signal.aborted) onStop()
    leading = true
    const { metadata, spec } = observed!.lease
    const fencingToken = spec.leaseTransitions ?? 0
    const fence = `${key.namespace}/${name}/${metadata.uid}/${fencingToken}`
    log.info({ lease: name, identity, fencingToken }, 'leading')
    const renewing = keepRenewing(lost, since)
    try {
      await work({ signal: lost.signal, fencingToken, fence })
    } finally {
      const stillOurs = !(lost.signal.reason instanceof LeadershipLost)
      lost.abort()
      await renewing
      leading = false
      signal.removeEventListener('abort', onStop)
      if (stillOurs) await release()
      log.info({ lease: name, identity, released: stillOurs }, 'no longer leading')
    }
  }

  return {
    get leading() {
      return leading
    },
    get leader() {
      return observed?.lease.spec.holderIdentity || undefined
    },
    async run(work, signal) {
      while (!signal.aborted) {
        const began = clock.monotonicMs()
        const ours = await acquire(signal).catch(error => {
          if (!signal.aborted) log.info({ lease: name, error: explain(error) }, 'lease not acquired')
          return false
        })
        if (ours) await lead(work, signal, began)
        if (!signal.aborted) await pause(signal)
      }
    },
  }
}

class LeadershipLost extends Error {
  constructor(to: string | undefined) {
    super(to ? `leadership lost to ${to}` : 'leadership lost: the lease could not be renewed in time')
    this.name = 'LeadershipLost'
  }
}
