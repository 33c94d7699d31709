import { X509Certificate } from 'node:crypto'
import { type Backoff, backoffMs } from '../../base/backoff.ts'

/** What is left of its life when a certificate is renewed. */
const renewAt = 1 / 3
/** Authorities count failures: Let's Encrypt takes five an hour for a name. */
const backoff: Backoff = { baseMs: 5 * 60_000, maxMs: 12 * 3_600_000 }
/** The first failure is often a name that does not lead here yet. */
const firstMs = 60_000

export interface CertificateState {
  /** How long until it is to be renewed; 0: now. */
  dueInMs: number
  expired: boolean
}

/** @param cert PEM; undefined: there is none. @param names that it must have */
export function certificateState(cert: string | undefined, names: readonly string[], nowMs: number): CertificateState {
  if (!cert) return { dueInMs: 0, expired: false }
  try {
    const { validFrom, validTo, subjectAltName = '' } = new X509Certificate(cert)
    const ends = Date.parse(validTo)
    const has = new Set(subjectAltName.split(', '))
    const due = names.every(name => has.has(`DNS:${name}`)) ? ends - (ends - Date.parse(validFrom)) * renewAt : nowMs
    return { dueInMs: Math.max(due - nowMs, 0), expired: ends <= nowMs }
  } catch {
    return { dueInMs: 0, expired: false }
  }
}

/** How long after its so-manieth failure in a row an authority is asked again. @param saidMs what it asked for itself */
export function retryInMs(failures: number, saidMs: number | undefined): number {
  const own = failures === 1 ? firstMs : backoffMs(backoff, failures - 1)
  return Math.max(own, saidMs ?? 0)
}
