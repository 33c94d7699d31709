import { hostname, networkInterfaces } from 'node:os'

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

/** The n-th address of a network: `10.96.0.0/16`, 1 → `10.96.0.1`. */
export function addressIn(cidr: string, n: number): string {
  const parts = cidr.split('/')[0]!.split('.').map(Number)
  const value = ((parts[0]! << 24) | (parts[1]! << 16) | (parts[2]! << 8) | parts[3]!) >>> 0
  const sum = (value + n) >>> 0
  return [sum >>> 24, (sum >>> 16) & 255, (sum >>> 8) & 255, sum & 255].join('.')
}

/** All names and addresses by which a client may call the API; they go into its certificate. */
export function serverNames(
  listenHost: string,
  serviceCidr: string,
  clusterDomain: string,
): { dnsNames: string[]; ips: string[] } {
  const ips = new Set(['127.0.0.1', addressIn(serviceCidr, 1), ...machineIps()])
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
