import { createHash } from 'node:crypto'
import type { NftFamily } from '../base/nft-table.ts'
import type { Service } from '../models/kinds/index.ts'
import type { UsableEndpoint } from '../models/usable-endpoints.ts'
import type { RuleSet } from './rule-set.ts'

export interface StickyPort {
  /** Of the port, unlike that of any other. */
  name: string
  protocol: string
  family: NftFamily
  endpoints: readonly UsableEndpoint[]
  stickySeconds: number
}

/** How long a client is led where it was led before; 0: it is not. */
export function stickySecondsOf({ spec }: Service): number {
  const { sessionAffinity, sessionAffinityConfig } = spec
  return sessionAffinity === 'ClientIP' ? (sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : 0
}

/**
 * Adds the chains that spread clients over endpoints and remember whom each has got: one chain and one set of clients for each
 * endpoint, which goes with it. @returns the first one's name
 */
export function stickyChain(out: RuleSet, port: StickyPort): string {
  const { name, protocol, family, endpoints, stickySeconds } = port
  const chain = `svc-${digest(name + endpoints.map(e => `${e.ip}:${e.port}`).join() + stickySeconds)}`
  if (out.chains.has(chain)) return chain
  const ids = endpoints.map(e => digest(`${name}>${e.ip}:${e.port}/${stickySeconds}`))
  for (const [i, e] of endpoints.entries()) {
    const set = `sticky-${ids[i]}`
    out.sets.set(set, `flags dynamic,timeout; timeout ${stickySeconds}s;`)
    out.chains.set(`ep-${ids[i]}`, [
      `update @${set} { ${family} saddr }`,
      `meta l4proto ${protocol} dnat to ${family === 'ip6' ? `[${e.ip}]` : e.ip}:${e.port}`,
    ])
  }
  const lots = ids.map((id, i) => `${i} : goto ep-${id}`).join(', ')
  out.chains.set(chain, [
    ...ids.map(id => `${family} saddr @sticky-${id} goto ep-${id}`),
    `numgen random mod ${ids.length} vmap { ${lots} }`,
  ])
  return chain
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}
