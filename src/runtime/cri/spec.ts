import type { ContainerResources, ContainerSpec, SandboxSpec } from '../runtime.ts'
import type {
  ContainerConfig,
  LinuxContainerResources,
  NamespaceOption,
  PodSandboxConfig,
  SecurityProfile,
} from './messages.ts'

/** Labels that every CRI tool knows (crictl, log collectors, cAdvisor). */
export const criLabels = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
  /** Whose sandboxes they are, where several agents share one containerd. */
  owner: 'optiflow.dev/owner',
}

/** Hidden from containers, as Kubernetes' default proc mount says. */
const maskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** The pod as CRI wants it. */
export function sandboxConfig(pod: SandboxSpec, owner?: string): PodSandboxConfig {
  return {
    metadata: { name: pod.name, uid: pod.uid, namespace: pod.namespace, attempt: pod.attempt },
    // On the host's network the host's own name is seen, and may not be changed.
    hostname: pod.hostNetwork ? '' : pod.hostname,
    log_directory: pod.logFolder,
    ...(pod.dns ? { dns_config: pod.dns } : {}),
    port_mappings: pod.portMappings.map(p => ({
      protocol: p.protocol,
      container_port: p.containerPort,
      host_port: p.hostPort,
      host_ip: p.hostIp,
    })),
    labels: {
      ...pod.labels,
      [criLabels.podName]: pod.name,
      [criLabels.podNamespace]: pod.namespace,
      [criLabels.podUid]: pod.uid,
      ...(owner ? { [criLabels.owner]: owner } : {}),
    },
    annotations: pod.annotations,
    linux: {
      cgroup_parent: pod.cgroupParent,
      sysctls: pod.sysctls,
      ...(pod.overhead ? { overhead: resources(pod.overhead) } : {}),
      security_context: {
        namespace_options: namespaces(pod),
        privileged: pod.privileged ?? false,
        seccomp: { profile_type: 'RuntimeDefault' },
      },
    },
  }
}

function namespaces(pod: SandboxSpec): NamespaceOption {
  const shift = pod.userNamespace
  const mapping = shift && [{ host_id: shift.hostId, container_id: shift.containerId, length: shift.length }]
  return {
    network: pod.hostNetwork ? 'NODE' : 'POD',
    pid: pod.hostPid ? 'NODE' : pod.shareProcessNamespace ? 'POD' : 'CONTAINER',
    ipc: pod.hostIpc ? 'NODE' : 'POD',
    ...(mapping ? { userns_options: { mode: 'POD', uids: mapping, gids: mapping } } : {}),
  }
}

/** Path of a container's log below its pod's folder. */
export function logPath(container: Pick<ContainerSpec, 'name' | 'attempt'>): string {
  return `${container.name}/${container.attempt}.log`
}

/** The container as CRI wants it, in a sandbox made from `sandbox`. */
export function containerConfig(spec: ContainerSpec, sandbox: PodSandboxConfig): ContainerConfig {
  const { security } = spec
  const podNamespaces = sandbox.linux.security_context.namespace_options
  const { metadata } = sandbox
  return {
    metadata: { name: spec.name, attempt: spec.attempt },
    image: { image: spec.imageRef || spec.image, user_specified_image: spec.image },
    command: spec.command,
    args: spec.args,
    working_dir: spec.workingDir,
    envs: spec.env.map(e => ({ key: e.name, value: e.value })),
    mounts: spec.mounts.map(m => ({
      container_path: m.containerPath,
      host_path: m.hostPath,
      readonly: m.readOnly,
      propagation:
        m.propagation === 'bidirectional'
          ? 'PROPAGATION_BIDIRECTIONAL'
          : m.propagation === 'hostToContainer'
            ? 'PROPAGATION_HOST_TO_CONTAINER'
            : 'PROPAGATION_PRIVATE',
      ...(m.recursiveReadOnly ? { recursive_read_only: true } : {}),
      ...(m.image ? { image: { image: m.image } } : {}),
    })),
    devices: (spec.devices ?? []).map(d => ({
      container_path: d.containerPath,
      host_path: d.hostPath,
      permissions: d.permissions,
    })),
    ...(spec.cdiDevices ? { CDI_devices: spec.cdiDevices.map(name => ({ name })) } : {}),
    labels: {
      ...spec.labels,
      [criLabels.containerName]: spec.name,
      [criLabels.podName]: metadata.name,
      [criLabels.podNamespace]: metadata.namespace,
      [criLabels.podUid]: metadata.uid,
    },
    annotations: spec.annotations,
    log_path: logPath(spec),
    stdin: spec.stdin,
    stdin_once: spec.stdinOnce,
    tty: spec.tty,
    linux: {
      resources: resources(spec.resources),
      security_context: {
        privileged: security.privileged,
        namespace_options: spec.processNamespaceOf
          ? { ...podNamespaces, pid: 'TARGET', target_id: spec.processNamespaceOf }
          : podNamespaces,
        capabilities: { add_capabilities: security.addCapabilities, drop_capabilities: security.dropCapabilities },
        readonly_rootfs: security.readOnlyRoot,
        no_new_privs: security.noNewPrivileges,
        supplemental_groups: security.supplementalGroups,
        masked_paths: security.maskedPaths ?? maskedPaths,
        readonly_paths: security.readonlyPaths ?? readonlyPaths,
        seccomp: security.privileged ? { profile_type: 'Unconfined' } : profile(security.seccomp),
        ...(security.apparmor ? { apparmor: profile(security.apparmor) } : {}),
        ...(security.seLinux ? { selinux_options: security.seLinux } : {}),
        ...(security.runAsUser === undefined ? {} : { run_as_user: { value: security.runAsUser } }),
        ...(security.runAsUserName === undefined ? {} : { run_as_username: security.runAsUserName }),
        ...(security.runAsGroup === undefined ? {} : { run_as_group: { value: security.runAsGroup } }),
      },
    },
  }
}

function profile(wish: 'RuntimeDefault' | 'Unconfined' | { localhost: string }): SecurityProfile {
  return typeof wish === 'string'
    ? { profile_type: wish }
    : { profile_type: 'Localhost', localhost_ref: wish.localhost }
}

export function resources(r: ContainerResources): LinuxContainerResources {
  return {
    ...(r.cpuShares === undefined ? {} : { cpu_shares: r.cpuShares }),
    ...(r.cpuQuotaMicros === undefined ? {} : { cpu_quota: r.cpuQuotaMicros }),
    ...(r.cpuPeriodMicros === undefined ? {} : { cpu_period: r.cpuPeriodMicros }),
    ...(r.memoryLimitBytes === undefined ? {} : { memory_limit_in_bytes: r.memoryLimitBytes }),
    ...(r.memorySwapLimitBytes === undefined ? {} : { memory_swap_limit_in_bytes: r.memorySwapLimitBytes }),
    ...(r.oomScoreAdj === undefined ? {} : { oom_score_adj: r.oomScoreAdj }),
    ...(r.cpusetCpus === undefined ? {} : { cpuset_cpus: r.cpusetCpus }),
    ...(r.cpusetMems === undefined ? {} : { cpuset_mems: r.cpusetMems }),
    ...(r.unified === undefined ? {} : { unified: r.unified }),
    ...(r.hugepages === undefined
      ? {}
      : { hugepage_limits: r.hugepages.map(h => ({ page_size: h.pageSize, limit: h.limitBytes })) }),
  }
}
