import type { Disk } from '../../base/disk.ts'
import { OptiFlowError } from '../../base/errors.ts'
import type { Pod } from '../../models/types/core-v1.ts'

export interface DnsSettings {
  servers: string[]
  searches: string[]
  options: string[]
}

const maxServers = 3
const maxSearches = 32

/** What goes into a pod's /etc/resolv.conf by its dnsPolicy. @param host the node's own resolver settings */
export function dnsOf(
  pod: Pod,
  cluster: { servers: readonly string[]; domain: string },
  host: DnsSettings,
): DnsSettings {
  const { dnsConfig = {}, hostNetwork } = pod.spec
  let policy = pod.spec.dnsPolicy ?? 'ClusterFirst'
  if (policy === 'ClusterFirst' && hostNetwork) policy = 'Default'
  if (policy.startsWith('ClusterFirst') && !cluster.servers.length) policy = 'Default'
  const base = policy === 'None' ? noDns : policy === 'Default' ? host : clusterFirst(pod, cluster, host)
  const options = new Map(base.options.map(option => [option.split(':')[0]!, option]))
  for (const { name = '', value } of dnsConfig.options ?? []) options.set(name, value ? `${name}:${value}` : name)
  return {
    servers: unique([...base.servers, ...(dnsConfig.nameservers ?? [])]).slice(0, maxServers),
    searches: unique([...base.searches, ...(dnsConfig.searches ?? [])]).slice(0, maxSearches),
    options: [...options.values()],
  }
}

export const noDns: DnsSettings = { servers: [], searches: [], options: [] }

function clusterFirst(
  pod: Pod,
  { servers, domain }: { servers: readonly string[]; domain: string },
  host: DnsSettings,
): DnsSettings {
  const own = domain ? [`${pod.metadata.namespace}.svc.${domain}`, `svc.${domain}`, domain] : []
  return { servers: [...servers], searches: [...own, ...host.searches], options: ['ndots:5'] }
}

/** Reads /etc/resolv.conf. */
export function parseResolvConf(text: string): DnsSettings {
  const out: DnsSettings = { servers: [], searches: [], options: [] }
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === 'nameserver' && rest[0]) out.servers.push(rest[0])
    if (word === 'search' || word === 'domain') out.searches = rest.filter(name => name !== '.')
    if (word === 'options') out.options.push(...rest)
  }
  return out
}

/** What the kernel keeps as a host name, without the byte that ends it. */
const maxHostname = 64

/** The kernel has no room for the whole name that the pod asks for as its host name. The pod waits. */
export class HostnameTooLong extends OptiFlowError {
  readonly fqdn: string
  constructor(fqdn: string) {
    // kubelet's words, which people look for.
    super(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${fqdn} is too long (${maxHostname} characters is the max, ${fqdn.length} characters requested)`,
    )
    this.fqdn = fqdn
  }
}

/**
 * The host name inside the pod: at most 63 characters, or 64 where it is the whole name.
 * @throws HostnameTooLong
 */
export function hostnameOf(pod: Pod, nodeName: string, clusterDomain: string): string {
  if (pod.spec.hostNetwork) return nodeName
  const short = shortNameOf(pod)
  const full = fullNameOf(pod, short, clusterDomain)
  if (!pod.spec.setHostnameAsFQDN || !full) return short
  if (full.length > maxHostname) throw new HostnameTooLong(full)
  return full
}

const shortNameOf = ({ metadata, spec }: Pod) => (spec.hostname || metadata.name).slice(0, 63).replace(/[-.]+$/, '')

function fullNameOf(pod: Pod, hostname: string, domain: string): string | undefined {
  return pod.spec.subdomain ? `${hostname}.${pod.spec.subdomain}.${pod.metadata.namespace}.svc.${domain}` : undefined
}

/** /etc/hosts of a pod. @param hostFile the node's own, for pods in its network */
export function hostsFile(pod: Pod, podIps: readonly string[], clusterDomain: string, hostFile: string): string {
  let text: string
  if (pod.spec.hostNetwork) text = `# Kubernetes-managed hosts file (host network).\n${hostFile}`
  else {
    const short = shortNameOf(pod)
    const full = fullNameOf(pod, short, clusterDomain)
    text =
      '# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n' +
      'fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n'
    for (const ip of podIps) text += `${ip}\t${full ? `${full}\t` : ''}${short}\n`
  }
  const aliases = pod.spec.hostAliases ?? []
  if (aliases.length) {
    if (!text.endsWith('\n')) text += '\n'
    text += '\n# Entries added by HostAliases.\n'
    for (const { ip, hostnames } of aliases) text += `${ip}\t${(hostnames ?? []).join('\t')}\n`
  }
  return text
}

const unique = (texts: string[]) => [...new Set(texts)]

/**
 * How the node itself resolves names.
 * @param file that says so, if it is not the machine's own: one that cannot be read must not pass for one that says nothing
 * @throws what reading it says
 */
export async function readHostDns(disk: Disk, file?: string): Promise<DnsSettings> {
  if (file !== undefined) return parseResolvConf(await disk.readText(file))
  const text = await disk.readText('/etc/resolv.conf').catch(() => '')
  const settings = parseResolvConf(text)
  // A resolver on the host's loopback cannot be reached from a pod; systemd keeps the real ones here.
  if (settings.servers.every(server => server.startsWith('127.')))
    return parseResolvConf(await disk.readText('/run/systemd/resolve/resolv.conf').catch(() => text))
  return settings
}
