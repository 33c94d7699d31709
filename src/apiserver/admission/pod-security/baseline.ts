import {
  named,
  namesWhere,
  type PodCheck,
  type PodLike,
  plural,
  quoted,
  setters,
  sorted,
  type Violation,
} from './check.ts'
import { appArmor, seccompAnnotations, seccompValues, seLinux } from './profiles.ts'

const addable = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
)

function capabilities(pod: PodLike): Violation | undefined {
  const strange = (added: string[] | undefined) => (added ?? []).filter(name => !addable.has(name))
  const found = new Set<string>()
  const bad = namesWhere(pod, ({ securityContext }) => {
    const names = strange(securityContext?.capabilities?.add)
    for (const name of names) found.add(name)
    return names.length > 0
  })
  if (!bad.length) return undefined
  return {
    reason: 'non-default capabilities',
    detail: `${named(bad)} must not include ${quoted(sorted(found))} in securityContext.capabilities.add`,
  }
}

function hostNamespaces({ spec }: PodLike): Violation | undefined {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter(field => spec[field])
  return shared.length
    ? { reason: 'host namespaces', detail: shared.map(field => `${field}=true`).join(', ') }
    : undefined
}

function hostPathVolumes({ spec }: PodLike): Violation | undefined {
  const names = (spec.volumes ?? []).filter(volume => volume.hostPath).map(volume => volume.name)
  if (!names.length) return undefined
  return { reason: 'hostPath volumes', detail: `${plural(names.length, 'volume')} ${quoted(names)}` }
}

function hostPorts(pod: PodLike): Violation | undefined {
  const ports = new Set<string>()
  const bad = namesWhere(pod, container => {
    const own = (container.ports ?? []).flatMap(port => port.hostPort || [])
    for (const port of own) ports.add(String(port))
    return own.length > 0
  })
  if (!bad.length) return undefined
  const verb = plural(bad.length, 'uses', 'use')
  return {
    reason: 'hostPort',
    detail: `${named(bad)} ${verb} ${plural(ports.size, 'hostPort')} ${sorted(ports).join(', ')}`,
  }
}

function privileged(pod: PodLike): Violation | undefined {
  const bad = namesWhere(pod, c => c.securityContext?.privileged === true)
  return bad.length
    ? { reason: 'privileged', detail: `${named(bad)} must not set securityContext.privileged=true` }
    : undefined
}

function procMount(pod: PodLike): Violation | undefined {
  const types = new Set<string>()
  const bad = namesWhere(pod, ({ securityContext }) => {
    const type = securityContext?.procMount
    if (type === undefined || type === 'Default') return false
    types.add(type)
    return true
  })
  if (!bad.length) return undefined
  return {
    reason: 'procMount',
    detail: `${named(bad)} must not set securityContext.procMount to ${quoted(sorted(types))}`,
  }
}

const sysctls0 = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
]
const sysctls27 = [...sysctls0, 'net.ipv4.ip_local_reserved_ports']
const sysctls29 = [
  ...sysctls27,
  ...['time', 'intvl', 'probes'].map(name => `net.ipv4.tcp_keepalive_${name}`),
  'net.ipv4.tcp_fin_timeout',
]
const sysctls32 = [...sysctls29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']

const sysctls =
  (allowed: string[]) =>
  ({ spec }: PodLike): Violation | undefined => {
    const strange = (spec.securityContext?.sysctls ?? []).map(s => s.name).filter(name => !allowed.includes(name))
    return strange.length ? { reason: 'forbidden sysctls', detail: strange.join(', ') } : undefined
  }

function windowsHostProcess(pod: PodLike): Violation | undefined {
  const bad = namesWhere(pod, c => c.securityContext?.windowsOptions?.hostProcess === true)
  const who = setters(pod.spec.securityContext?.windowsOptions?.hostProcess === true, bad)
  if (!who.length) return undefined
  return {
    reason: 'hostProcess',
    detail: `${who.join(' and ')} must not set securityContext.windowsOptions.hostProcess=true`,
  }
}

const always = (id: string, check: (pod: PodLike) => Violation | undefined): PodCheck => ({
  id,
  level: 'baseline',
  versions: [{ since: 0, check }],
})

/** What nobody needs who runs no part of the node. By id, as Kubernetes orders its messages. */
export const baselineChecks: PodCheck[] = [
  always('appArmorProfile', appArmor),
  always('capabilities_baseline', capabilities),
  always('hostNamespaces', hostNamespaces),
  always('hostPathVolumes', hostPathVolumes),
  always('hostPorts', hostPorts),
  always('privileged', privileged),
  always('procMount', procMount),
  {
    id: 'seLinuxOptions',
    level: 'baseline',
    versions: [
      { since: 0, check: seLinux(['container_t', 'container_init_t', 'container_kvm_t']) },
      { since: 31, check: seLinux(['container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t']) },
    ],
  },
  {
    id: 'seccompProfile_baseline',
    level: 'baseline',
    versions: [
      { since: 0, check: seccompAnnotations },
      { since: 19, check: seccompValues },
    ],
  },
  {
    id: 'sysctls',
    level: 'baseline',
    versions: [
      { since: 0, check: sysctls(sysctls0) },
      { since: 27, check: sysctls(sysctls27) },
      { since: 29, check: sysctls(sysctls29) },
      { since: 32, check: sysctls(sysctls32) },
    ],
  },
  always('windowsHostProcess', windowsHostProcess),
]
