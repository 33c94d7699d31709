import { hostname, networkInterfaces } from 'node:os'
import { addressAt } from '../base/ip.ts'

/** IPv4 addresses of this machine that others may reach, the one of the default route's interface first if known. */
export function machineIps(): string[] {
  const found: string[] = []
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (/^(optiflow|cni|docker|br-|veth|cali|vxlan|flannel)/.test(name)) continue
    for (const a of addresses ?? []) if (a.family === 'IPv4' && !a.internal) found.push(a.address)
  }
  return found
}

/** The address under which this node is known; loopback when the machine has no other. */
export function nodeIp(): string {
  return machineIps()[0] ?? '127.0.0.1'
}

/** This machine's address of the other family, that others may reach; undefined if it has none. */
export function secondIp(main: string): string | undefined {
  const wanted = main.includes(':') ? 'IPv4' : 'IPv6'
  const all = Object.values(networkInterfaces()).map(addresses => addresses ?? [])
  const own = all.find(addresses => addresses.some(a => a.address === main)) ?? []
  return own.find(a => a.family === wanted && !a.internal && !a.address.startsWith('fe80:'))?.address
}

/** The cluster's DNS: tenth address of the service network. @param serviceCidr one network, or one of each family */
export function dnsIpOf({ serviceCidr }: { serviceCidr: string }): string {
  return addressAt(serviceCidr.split(',')[0]!, 10)
}

/** All names and addresses by which a client may call the API; they go into its certificate. */
export function serverNames(
  listenHost: string,
  serviceCidr: string,
  clusterDomain: string,
): { dnsNames: string[]; ips: string[] } {
  const ips = new Set(['127.0.0.1', addressAt(serviceCidr.split(',')[0]!, 1), ...machineIps()])
  const dnsNames = new Set([
    'localhost',
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${clusterDomain}`,
  ])
  const host = hostname().toLowerCase()
  if (/^[a-z0-9.-]+$/.test(host)) dnsNames.add(host)
  if (/^\d+\.\d+\.\d+\.\d+$/.test(listenHost)) {
    if (listenHost !== '0.0.0.0') ips.add(listenHost)
  } else if (!listenHost.includes(':')) dnsNames.add(listenHost)
  return { dnsNames: [...dnsNames], ips: [...ips] }
}
