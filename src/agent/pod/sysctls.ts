import type { Pod } from '../../models/types/core-v1.ts'
import type { Rejection } from './rejection.ts'

/** Kernel settings that belong to the pod's own namespaces and can harm nobody else. */
const safe = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
]

const ofIpc = /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/
const ofNetwork = /^net\./

/**
 * Whether the node lets a pod change kernel settings.
 * @param allowed what the node's administrator allows besides the safe ones: `net.core.somaxconn`, `kernel.msg*`
 * @see https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/
 */
export function sysctlProblem({ spec }: Pod, allowed: readonly string[]): Rejection | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const why = refusal(name.replaceAll('/', '.'), allowed, spec)
    if (why)
      return {
        reason: 'SysctlForbidden',
        message: `Pod was rejected: forbidden sysctl: ${JSON.stringify(name)} ${why}`,
      }
  }
  return undefined
}

function refusal(name: string, allowed: readonly string[], { hostNetwork, hostIPC }: Pod['spec']): string | undefined {
  const matches = (pattern: string) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
  if (![...safe, ...allowed].some(matches)) return 'not allowlisted'
  if (ofNetwork.test(name) && hostNetwork) return 'not allowed with host net enabled'
  if (ofIpc.test(name) && hostIPC) return 'not allowed with host ipc enabled'
  return undefined
}
