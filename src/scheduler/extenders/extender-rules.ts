import { BadConfiguration } from '../configuration/bad-configuration.ts'

/** One extender as the configuration names it. */
export interface ExtenderRules {
  /** `https://host/path`; verbs are paths below it. */
  urlPrefix: string
  filterVerb: string | undefined
  prioritizeVerb: string | undefined
  bindVerb: string | undefined
  preemptVerb: string | undefined
  /** How much its scores of 0 … 10 count, ten times each. */
  weight: number
  timeoutMs: number
  /** It knows nodes itself: only their names are sent. */
  nodeCacheCapable: boolean
  /** Only pods that request one of these are its concern; empty: all are. */
  managedResources: readonly string[]
  /** Of those, resources that it counts itself: NodeResourcesFit does not. */
  ignoredResources: readonly string[]
  /** Pods are placed without it when it does not answer. */
  ignorable: boolean
  tls: { insecure: boolean; serverName?: string; ca?: string; caFile?: string; certFile?: string; keyFile?: string }
}

const fields = [
  ...['urlPrefix', 'filterVerb', 'prioritizeVerb', 'bindVerb', 'preemptVerb', 'weight', 'enableHTTPS', 'tlsConfig'],
  ...['httpTimeout', 'nodeCacheCapable', 'managedResources', 'ignorable'],
]
const defaultTimeoutMs = 5_000

/** @throws BadConfiguration */
export function readExtender(given: any, i: number): ExtenderRules {
  const at = `extenders[${i}]`
  const unknown = Object.keys(given).find(field => !fields.includes(field))
  if (unknown) throw new BadConfiguration(`${at}.${unknown}: is not known`)
  const { urlPrefix, tlsConfig: tls = {}, managedResources = [], weight = 1, prioritizeVerb } = given
  if (typeof urlPrefix !== 'string' || !/^https?:\/\//.test(urlPrefix))
    throw new BadConfiguration(`${at}.urlPrefix: ${JSON.stringify(urlPrefix)} is not the URL of an extender`)
  if (prioritizeVerb && !(weight > 0)) throw new BadConfiguration(`${at}.weight: ${weight} must be greater than 0`)
  return {
    urlPrefix: urlPrefix.replace(/\/+$/, ''),
    filterVerb: given.filterVerb || undefined,
    prioritizeVerb: prioritizeVerb || undefined,
    bindVerb: given.bindVerb || undefined,
    preemptVerb: given.preemptVerb || undefined,
    weight,
    timeoutMs: readTimeout(given.httpTimeout, `${at}.httpTimeout`),
    nodeCacheCapable: given.nodeCacheCapable ?? false,
    managedResources: managedResources.map((r: any) => String(r.name)),
    ignoredResources: managedResources.filter((r: any) => r.ignoredByScheduler).map((r: any) => String(r.name)),
    ignorable: given.ignorable ?? false,
    tls: {
      insecure: tls.insecure ?? false,
      ...(tls.serverName ? { serverName: tls.serverName } : {}),
      ...(tls.caData ? { ca: Buffer.from(tls.caData, 'base64').toString() } : {}),
      ...(tls.caFile ? { caFile: tls.caFile } : {}),
      ...(tls.certFile ? { certFile: tls.certFile } : {}),
      ...(tls.keyFile ? { keyFile: tls.keyFile } : {}),
    },
  }
}

/** Go's form of durations: `5s`, `1m30s`, `100ms`; plain numbers are nanoseconds there. */
function readTimeout(given: unknown, at: string): number {
  if (given === undefined) return defaultTimeoutMs
  if (typeof given === 'number') return given / 1e6
  const parts = [...String(given).matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (!parts.length || parts.map(p => p[0]).join('') !== given)
    throw new BadConfiguration(`${at}: ${JSON.stringify(given)} is not a duration such as 5s`)
  const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * unitMs[unit!]!, 0)
}
