/** The CRI messages that we read or write, as the protocol decodes them: field names are the protocol's own. */

export interface PodSandboxMetadata {
  name: string
  uid: string
  namespace: string
  attempt: number
}

export interface NamespaceOption {
  network: 'POD' | 'NODE'
  pid: 'POD' | 'CONTAINER' | 'NODE' | 'TARGET'
  ipc: 'POD' | 'NODE'
  target_id?: string
  userns_options?: { mode: 'POD' | 'NODE'; uids?: IdMapping[]; gids?: IdMapping[] }
}

export interface IdMapping {
  host_id: number
  container_id: number
  length: number
}

export interface SecurityProfile {
  profile_type: 'RuntimeDefault' | 'Unconfined' | 'Localhost'
  localhost_ref?: string
}

export interface LinuxContainerResources {
  cpu_period?: number
  cpu_quota?: number
  cpu_shares?: number
  memory_limit_in_bytes?: number
  memory_swap_limit_in_bytes?: number
  oom_score_adj?: number
  cpuset_cpus?: string
  cpuset_mems?: string
  hugepage_limits?: { page_size: string; limit: number }[]
  unified?: Record<string, string>
}

export interface PodSandboxConfig {
  metadata: PodSandboxMetadata
  hostname: string
  log_directory: string
  dns_config?: { servers: string[]; searches: string[]; options: string[] }
  port_mappings: { protocol: string; container_port: number; host_port: number; host_ip: string }[]
  labels: Record<string, string>
  annotations: Record<string, string>
  linux: {
    cgroup_parent: string
    sysctls: Record<string, string>
    overhead?: LinuxContainerResources
    security_context: {
      namespace_options: NamespaceOption
      privileged: boolean
      seccomp: SecurityProfile
    }
  }
}

export interface ContainerConfig {
  metadata: { name: string; attempt: number }
  image: { image: string; user_specified_image?: string }
  command: string[]
  args: string[]
  working_dir: string
  envs: { key: string; value: string }[]
  mounts: {
    container_path: string
    host_path: string
    readonly: boolean
    propagation: string
    recursive_read_only?: boolean
    image?: { image: string }
  }[]
  devices: { container_path: string; host_path: string; permissions: string }[]
  CDI_devices?: { name: string }[]
  labels: Record<string, string>
  annotations: Record<string, string>
  log_path: string
  stdin: boolean
  stdin_once: boolean
  tty: boolean
  linux: {
    resources: LinuxContainerResources
    security_context: Record<string, unknown>
  }
}

export interface PodSandbox {
  id: string
  metadata: PodSandboxMetadata
  state: 'SANDBOX_READY' | 'SANDBOX_NOTREADY'
  /** Nanoseconds since 1970, as all times here. */
  created_at: number
  labels: Record<string, string>
}

export interface PodSandboxStatus {
  id: string
  metadata: PodSandboxMetadata
  state: PodSandbox['state']
  created_at: number
  network: { ip: string; additional_ips: { ip: string }[] } | null
}

export interface Container {
  id: string
  pod_sandbox_id: string
  metadata: { name: string; attempt: number }
  image: { image: string } | null
  image_ref: string
  state: 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN'
  created_at: number
  labels: Record<string, string>
  annotations: Record<string, string>
}

export interface ContainerStatus {
  id: string
  metadata: { name: string; attempt: number }
  state: Container['state']
  created_at: number
  started_at: number
  finished_at: number
  exit_code: number
  image: { image: string } | null
  image_ref: string
  reason: string
  message: string
  labels: Record<string, string>
  annotations: Record<string, string>
  log_path: string
}

export interface Image {
  id: string
  repo_tags: string[]
  repo_digests: string[]
  size: number
  uid: { value: number } | null
  username: string
  pinned: boolean
}

export interface UInt64Value {
  value: number
}

export interface ContainerStats {
  attributes: { id: string; metadata: { name: string; attempt: number }; labels: Record<string, string> }
  cpu: { timestamp: number; usage_core_nano_seconds: UInt64Value | null } | null
  memory: {
    working_set_bytes: UInt64Value | null
    usage_bytes: UInt64Value | null
    rss_bytes: UInt64Value | null
  } | null
  writable_layer: { used_bytes: UInt64Value | null; inodes_used: UInt64Value | null } | null
}

export interface PodSandboxStats {
  attributes: { id: string; metadata: PodSandboxMetadata }
  linux: {
    network: { default_interface: { rx_bytes: UInt64Value | null; tx_bytes: UInt64Value | null } | null } | null
    containers: ContainerStats[]
  } | null
}
