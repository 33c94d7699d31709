export interface ContainerdSettings {
  /** Images, snapshots, metadata: on disk. */
  root: string
  /** Sockets and running tasks: must be empty after a reboot, so below /run. */
  state: string
  socket: string
  sandboxImage: string
  snapshotter: string
  systemdCgroup: boolean
  /** Without CAP_SYS_RESOURCE runc cannot lower oom_score_adj, and no sandbox would start. */
  restrictOomScore: boolean
  cniBinFolders: string[]
  cniConfFolder: string
  /** Folder of hosts.toml files, one folder for each registry. */
  registryFolder: string
  /** Other runtimes by their handler name: the path of the binary. */
  handlers?: Record<string, string>
}

/**
 * containerd's configuration file.
 * @param major of containerd's version: 1 takes the second form of the file, 2 the third
 */
export function containerdConfig(settings: ContainerdSettings, major: number): string {
  return toml(major >= 2 ? third(settings) : second(settings))
}

function common(s: ContainerdSettings, version: number): Table {
  return {
    version,
    root: s.root,
    state: s.state,
    oom_score: 0,
    grpc: { address: s.socket },
    // Devmapper, zfs and the like only fill the log with reasons why they are not there.
    disabled_plugins: [
      'io.containerd.snapshotter.v1.aufs',
      'io.containerd.snapshotter.v1.zfs',
      'io.containerd.snapshotter.v1.btrfs',
      'io.containerd.snapshotter.v1.devmapper',
      'io.containerd.internal.v1.opt',
    ],
  }
}

function second(s: ContainerdSettings): Table {
  return {
    ...common(s, 2),
    plugins: {
      'io.containerd.grpc.v1.cri': {
        sandbox_image: s.sandboxImage,
        restrict_oom_score_adj: s.restrictOomScore,
        stream_server_address: '127.0.0.1',
        stream_server_port: '0',
        enable_unprivileged_ports: true,
        enable_unprivileged_icmp: true,
        tolerate_missing_hugetlb_controller: true,
        // Pods' network namespaces beside the rest of the state, so that a purge finds them.
        netns_mounts_under_state_dir: true,
        // Since 1.7; older ones do not know of it, and we carry out what it would.
        enable_cdi: true,
        cdi_spec_dirs: ['/etc/cdi', '/var/run/cdi'],
        // One bin_dir is all it takes; several folders are linked together by the supervisor.
        cni: { bin_dir: s.cniBinFolders[0] ?? '/opt/cni/bin', conf_dir: s.cniConfFolder, max_conf_num: 1 },
        containerd: {
          snapshotter: s.snapshotter,
          default_runtime_name: 'runc',
          runtimes: runtimes(s),
        },
        registry: { config_path: s.registryFolder },
      },
    },
  }
}

function third(s: ContainerdSettings): Table {
  return {
    ...common(s, 3),
    plugins: {
      'io.containerd.cri.v1.images': {
        snapshotter: s.snapshotter,
        pinned_images: { sandbox: s.sandboxImage },
        registry: { config_path: s.registryFolder },
      },
      'io.containerd.cri.v1.runtime': {
        restrict_oom_score_adj: s.restrictOomScore,
        enable_unprivileged_ports: true,
        enable_unprivileged_icmp: true,
        tolerate_missing_hugetlb_controller: true,
        netns_mounts_under_state_dir: true,
        cni: { bin_dirs: s.cniBinFolders, conf_dir: s.cniConfFolder, max_conf_num: 1 },
        containerd: { default_runtime_name: 'runc', runtimes: runtimes(s) },
      },
      'io.containerd.grpc.v1.cri': { stream_server_address: '127.0.0.1', stream_server_port: '0' },
    },
  }
}

function runtimes(s: ContainerdSettings): Table {
  const one = (binary?: string): Table => ({
    runtime_type: 'io.containerd.runc.v2',
    options: {
      SystemdCgroup: s.systemdCgroup,
      Root: `${s.state}/runc`,
      ...(binary ? { BinaryName: binary } : {}),
    },
  })
  return {
    runc: one(),
    ...Object.fromEntries(Object.entries(s.handlers ?? {}).map(([name, binary]) => [name, one(binary)])),
  }
}

/** How containerd reaches one registry. */
export interface RegistryHost {
  /** As in image names: `docker.io`, `127.0.0.1:5000`; `_default` is for all that have no entry of their own. */
  host: string
  /** Asked in this order before the registry itself. */
  mirrors?: string[]
  /** URL of the registry, where it differs from `https://host` (plain HTTP on loopback). */
  server?: string
  /** Path of a CA certificate that signs the registry's. */
  ca?: string
  skipVerify?: boolean
}

/** The hosts.toml of one registry. */
export function hostsFile(registry: RegistryHost): string {
  const trust = { ...(registry.ca ? { ca: registry.ca } : {}), ...(registry.skipVerify ? { skip_verify: true } : {}) }
  const server = registry.server ?? (registry.host === '_default' ? undefined : `https://${registry.host}`)
  const host: Table = {}
  for (const mirror of registry.mirrors ?? []) host[mirror] = { capabilities: ['pull', 'resolve'], ...trust }
  if (server) host[server] = { capabilities: ['pull', 'resolve', 'push'], ...trust }
  return toml({ ...(server ? { server } : {}), host })
}

type Value = string | number | boolean | string[]
interface Table {
  [key: string]: Value | Table
}

/** Tables of strings, numbers, booleans and lists of strings as TOML. */
export function toml(table: Table, path: string[] = []): string {
  let out = ''
  const inner: [string, Table][] = []
  for (const [key, value] of Object.entries(table)) {
    if (typeof value === 'object' && !Array.isArray(value)) inner.push([key, value])
    else out += `${quoteKey(key)} = ${JSON.stringify(value)}\n`
  }
  for (const [key, value] of inner) {
    const at = [...path, key]
    out += `\n[${at.map(quoteKey).join('.')}]\n${toml(value, at)}`
  }
  return out
}

function quoteKey(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key)
}
