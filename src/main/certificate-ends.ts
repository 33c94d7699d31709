import { join } from 'node:path'
import { validityOf } from '../base/certificates.ts'
import { type Clock, every, timeText } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import { authorities, authorityNoticeMs } from './pki.ts'

/** One certificate of the cluster's own keys. */
export interface CertificateEnd {
  /** File below `pki/` without `.crt`. */
  name: string
  path: string
  /** Only a start of the server or `ca renew` renews it, and all that it signed ends with it. */
  authority: boolean
  untilMs: number
}

const issued = ['server', 'admin', 'agent-client', 'front-proxy-client']
const dayMs = 86_400_000

/** Others are replaced after 90 % of their life at the latest, and at each start that finds less than this left. */
const issuedNoticeMs = 30 * dayMs
/** A server may run for years: its log is told again so often. */
const tellEveryMs = 7 * dayMs

/** When the certificates in a data folder end; those that are not there, or not readable, are left out. */
export async function certificateEnds(disk: Disk, dataDir: string): Promise<CertificateEnd[]> {
  const found: CertificateEnd[] = []
  for (const name of [...authorities, ...issued]) {
    const path = join(dataDir, 'pki', `${name}.crt`)
    try {
      const { untilMs } = validityOf(await disk.readText(path))
      found.push({ name, path, authority: authorities.some(one => one === name), untilMs })
    } catch {
      // A damaged one is named when the server starts.
    }
  }
  return found
}

/** What to tell of those that end soon, each with one thing to do; nothing as long as all is well. Pure. */
export function endWarnings(ends: readonly CertificateEnd[], nowMs: number): string[] {
  return ends
    .filter(({ authority, untilMs }) => untilMs - nowMs < (authority ? authorityNoticeMs : issuedNoticeMs))
    .map(({ path, authority, untilMs }) => {
      const days = Math.floor((untilMs - nowMs) / dayMs)
      const when = days < 0 ? `has ended on ${timeText(untilMs)}` : `ends on ${timeText(untilMs)}, in ${days} days`
      return authority
        ? `${path} ${when}, and with it all that this authority signed: "optiflow ca renew" signs it again with its own key, and so does a start of the server`
        : `${path} ${when} and should have been renewed: see the server's log, or start it anew`
    })
}

/** Tells the log now, and again each week as long as the server runs. @returns ends that */
export async function tellOfEnds(
  dataDir: string,
  { clock, disk, log }: { clock: Clock; disk: Disk; log: Logger },
): Promise<() => void> {
  const tell = async () => {
    for (const warning of endWarnings(await certificateEnds(disk, dataDir), clock.now()))
      log.warn({ what: warning }, 'certificate ends soon')
  }
  await tell()
  const stop = new AbortController()
  every(clock, tellEveryMs, tell, stop.signal)
  return () => stop.abort()
}
