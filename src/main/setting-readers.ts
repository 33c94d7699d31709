import type { TopologySettings } from '../agent/index.ts'
import { isCIDR, plainAddress } from '../base/ip.ts'
import { isQuantity, quantityToNumber } from '../base/quantity.ts'
import { parsePool } from '../discovery/index.ts'
import { parseGoDuration } from '../models/go-duration.ts'

// One reader for each form that a setting's text may have. They throw what stands behind the text in the error message.

export function readReservation(text: string): Record<string, string> {
  const amounts = readPairs(text)
  for (const [name, amount] of Object.entries(amounts))
    if (!['cpu', 'memory', 'ephemeral-storage', 'pid'].includes(name) || !isQuantity(amount))
      throw new Error('is not RESOURCE=AMOUNT,… such as cpu=500m,memory=1Gi,ephemeral-storage=10Gi')
  return amounts
}

export function readDuration(text: string): number {
  const ms = parseGoDuration(text)
  if (ms === undefined || ms < 0) throw new Error('is not a duration such as 30s or 1m30s')
  return ms
}

/** Read whole by the node, which knows what each signal may be. */
export function readEviction(text: string): string {
  if (/^[a-zA-Z.]+[<=][^,<=]+(,[a-zA-Z.]+[<=][^,<=]+)*$/.test(text)) return text
  throw new Error('is not SIGNAL<VALUE,… such as memory.available<100Mi,nodefs.available<10%')
}

export function readIssuer(text: string): string {
  if (!/^https:\/\/[^\s?#]+$/.test(text)) throw new RangeError('must be a URL that begins with https://')
  return text
}

/** `https://a,https://b` */
export const readIssuers = (text: string): string[] => text.split(',').map(readIssuer)

/** `team=core,site=a` */
export function readPairs(text: string): Record<string, string> {
  const pairs = text
    .split(',')
    .map(pair => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const)
  if (pairs.some(([name]) => name === '' || !text.includes('='))) throw new RangeError('must be claim=value,…')
  return Object.fromEntries(pairs)
}

export function readDrivers(text: string): { name: string; socket: string }[] {
  return text
    .split(',')
    .filter(Boolean)
    .map(pair => {
      const [, name, socket] = /^([a-z0-9][a-z0-9.-]*)=(\/.+)$/.exec(pair) ?? []
      if (!name || !socket) throw new Error(`"${pair}" is not a driver and its socket: disk.example.com=/run/csi.sock`)
      return { name, socket }
    })
}

export interface HostPort {
  host: string
  port: number
}

export function readListen(text: string): HostPort {
  const match = /^(?:(\[[^\]]+\]|[^:]*):)?(\d{1,5})$/.exec(text)
  const port = Number(match?.[2])
  if (!match || port > 65_535) throw new Error('is not HOST:PORT, such as 127.0.0.1:6443')
  return { host: (match[1] || '0.0.0.0').replace(/^\[|\]$/g, ''), port }
}

export function readGateway(text: string): { plain: HostPort; secure?: HostPort } | 'off' {
  if (text === 'off') return 'off'
  const [plain, secure, ...more] = text.split(',')
  if (!plain || more.length) throw new Error('is not HTTP[,HTTPS] or off, such as 0.0.0.0:80,0.0.0.0:443')
  return { plain: readListen(plain), ...(secure ? { secure: readListen(secure) } : {}) }
}

export const acmeDirectories = {
  letsencrypt: 'https://acme-v02.api.letsencrypt.org/directory',
  'letsencrypt-staging': 'https://acme-staging-v02.api.letsencrypt.org/directory',
}

export function readAcmeDirectory(text: string): string {
  const known = acmeDirectories[text as keyof typeof acmeDirectories]
  if (known) return known
  if (/^https?:\/\/[^/\s]+\/\S*$/.test(text)) return text
  throw new Error(`is neither ${Object.keys(acmeDirectories).join(' nor ')} nor the URL of an ACME directory`)
}

export function readEmail(text: string): string {
  if (!/^[^@\s]+@[^@\s]+$/.test(text)) throw new Error('is no e-mail address, such as ops@example.com')
  return text
}

export function readStore(text: string): { engine: 'sqlite' | 'memory' } | { engine: 'etcd'; endpoints: string[] } {
  if (text === 'sqlite' || text === 'memory') return { engine: text }
  if (text.startsWith('etcd=')) {
    const endpoints = text.slice(5).split(',').filter(Boolean)
    if (endpoints.length && endpoints.every(e => /^https?:\/\/[^/]+:\d+\/?$/.test(e)))
      return { engine: 'etcd', endpoints }
  }
  throw new Error('is not sqlite, memory or etcd=URL,… such as etcd=http://127.0.0.1:2379')
}

const ageUnitsMs: Record<string, number> = { s: 1000, m: 60_000, h: 3600_000, d: 24 * 3600_000 }

export function readAge(text: string): number {
  const parts = /^(\d+[smhd])+$/.test(text) ? text.match(/\d+[smhd]/g)! : []
  const ms = parts.reduce((sum, part) => sum + Number(part.slice(0, -1)) * ageUnitsMs[part.at(-1)!]!, 0)
  if (ms < 60_000) throw new Error('is not an age of at least a minute, such as 12h or 7d')
  return ms
}

export function readWait(text: string): number {
  const ms = parseGoDuration(text)
  if (ms === undefined || ms < 1 || ms > 3600_000) throw new Error('is not a time from 1ms to 1h, such as 30s')
  return ms
}

export function readSize(text: string): number {
  const bytes = quantityToNumber(text)
  if (!(bytes >= 2 ** 24)) throw new Error('is not a size of at least 16Mi, such as 2Gi')
  return bytes
}

export function readNodeName(text: string): string {
  if (!/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text) || text.length > 253)
    throw new Error('is not a node name: lower-case letters, digits, "-" and "." only')
  return text
}

/** One network, or one of each family: the first is the main one. */
export function readCidr(text: string): string {
  const [main = '', second, ...more] = text.split(',')
  const twins = second !== undefined && main.includes(':') === second.includes(':')
  if (!isCIDR(main) || (second !== undefined && !isCIDR(second)) || twins || more.length)
    throw new Error('is not a network such as 10.244.0.0/16, or one of each family: 10.244.0.0/16,fd00:10:244::/56')
  return plainAddress(main) + (second === undefined ? '' : `,${plainAddress(second)}`)
}

export function readPool(text: string): string {
  try {
    parsePool(text)
  } catch {
    throw new Error('is not addresses such as 192.0.2.100-192.0.2.120,192.0.2.64/28,fd00::100/120')
  }
  return text
}

export function readCidrs(text: string): string[] {
  const cidrs = text.split(',').filter(Boolean)
  if (!cidrs.every(isCIDR)) throw new Error('is not CIDR,… such as 10.0.0.0/8,fd00::/8')
  return cidrs
}

export function oneOf<const T extends string>(words: readonly T[]) {
  return (text: string): T => {
    if ((words as readonly string[]).includes(text)) return text as T
    throw new Error(`is not one of ${words.join(', ')}`)
  }
}

/** A number with or without a fraction: `0.1`. */
export function fraction(text: string, min: number, max: number): number {
  const n = Number(text)
  if (text.trim() === '' || !(n >= min && n <= max)) throw new Error(`is not a number from ${min} to ${max}`)
  return n
}

export function wholeNumber(text: string, min: number, max: number): number {
  const n = Number(text)
  if (!Number.isInteger(n) || n < min || n > max) throw new Error(`is not a whole number from ${min} to ${max}`)
  return n
}

export type TopologyOptions = Pick<TopologySettings, 'preferClosest' | 'mostNodes'>

/** As kubelet's: `prefer-closest-numa-nodes=true,max-allowable-numa-nodes=16`. */
export function readTopologyOptions(text: string): TopologyOptions {
  const options: TopologyOptions = {}
  for (const [name, value] of Object.entries(readPairs(text)))
    if (name === 'prefer-closest-numa-nodes' && /^(true|false)$/.test(value)) options.preferClosest = value === 'true'
    // A set of nodes is kept in the bits of one number.
    else if (name === 'max-allowable-numa-nodes' && Number(value) >= 8 && Number(value) <= 31)
      options.mostNodes = Number(value)
    else throw new Error('is not prefer-closest-numa-nodes=true|false,max-allowable-numa-nodes=8-31')
  return options
}
