import type { Clock } from '../base/clock.ts'
import type { Commands } from '../base/commands.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import type { Net } from '../base/net.ts'
import type { Random } from '../base/random.ts'
import type { Rate } from '../base/token-buckets.ts'
import type { Client, EventRecorder, InformerSet } from '../client/index.ts'
import type { LimitBandwidth } from '../models/bandwidth.ts'
import type { OpenHostPorts } from '../models/host-ports.ts'
import type { NodeNetworkReader } from '../models/node-network.ts'
import type { NodeAddress, Taint } from '../models/types/core-v1.ts'
import type { Runtime } from '../runtime/runtime.ts'
import type { CgroupSettings } from './cgroup/pod-groups.ts'
import type { EvictionSettings } from './eviction/thresholds.ts'
import type { NodeCredentials } from './image/credential-providers.ts'
import type { PeerKeys } from './image/peers.ts'
import type { ReservedMemory } from './memory/reserved-memory.ts'
import type { AgentMetrics } from './metrics/agent-metrics.ts'
import type { SwapBehavior } from './node/host-memory.ts'
import type { Heartbeat } from './node/registration.ts'
import type { Reservation } from './node/reservation.ts'
import type { ReferencedObjects } from './objects.ts'
import type { PodSource } from './pod-source.ts'
import type { Pulse } from './pulse.ts'
import type { AgentServer } from './serving/server.ts'
import type { ShutdownStep } from './shutdown/plan.ts'
import type { TopologySettings } from './topology/topology-manager.ts'

export interface AgentOptions {
  nodeName: string
  client: Client
  runtime: Runtime
  clock: Clock
  random: Random
  disk: Disk
  net: Net
  commands: Commands
  log: Logger
  /** Pods' files and volumes. Absolute. */
  folder: string
  /** Logs of containers; `<folder>/logs` unless said otherwise. */
  logFolder?: string
  /** Secrets and tokens: a folder on tmpfs, such as one below /run. `<folder>/secrets` unless said otherwise. */
  secretFolder?: string
  /** Pods that this node runs by itself, one a file; none unless said otherwise. */
  staticPodFolder?: string
  /**
   * Where plugins look for this node: kubelet's folder, `/var/lib/kubelet` in the manifests of drivers. Absent: plugins
   * (CSI drivers, device plugins) are not taken.
   */
  kubeletFolder?: string
  /** The resource of a device plugin whose devices pods may share, as `optiflow.dev/gpu-milli`; none unless said otherwise. */
  sharedResource?: string
  /** Main InternalIP first. */
  addresses: NodeAddress[]
  clusterDns?: readonly string[]
  /** Which file says how the node itself resolves names; `/etc/resolv.conf`, or systemd's where that names itself, unless said otherwise. */
  resolvConf?: string
  /** `cluster.local` unless said otherwise. */
  clusterDomain?: string
  /** Told to who asks the agent; nothing is unless said otherwise. */
  network?: NodeNetworkReader
  /** Holds pods to the bandwidth of their annotations, before their containers start; absent: whoever makes their network does. */
  limitBandwidth?: LimitBandwidth
  /** Leads a pod's host ports to it, before its containers start; absent: whoever makes pods' networks does. */
  openHostPorts?: OpenHostPorts
  /** 110 unless said otherwise. */
  maxPods?: number
  /** No more pods than so many for each processor either; 0, and unless said otherwise: `maxPods` alone bounds them. */
  podsPerCore?: number
  /** What a cloud calls this machine; at the first registration only. */
  providerId?: string
  heartbeat?: Heartbeat
  labels?: Record<string, string>
  /** At the first registration only. */
  taints?: Taint[]
  /** Kept off allocatable; 100m cpu and 256Mi memory unless said otherwise. */
  reserved?: Reservation
  /** Kept off allocatable as well, for the programs that make the machine a node; nothing unless said otherwise. */
  kubeReserved?: Reservation
  /** False: a pod that says nothing of seccomp runs without bounds; it has the runtime's unless said otherwise. */
  seccompDefault?: boolean
  /** Kernel settings that pods may change besides the safe ones: `net.core.somaxconn`, `kernel.msg*`. */
  allowedUnsafeSysctls?: readonly string[]
  /** `v1.32.0-optiflow.…`: the version the node reports. */
  version?: string
  /**
   * A node that does not exist: this is its capacity (over 8 cpu, 32Gi, 100Gi), nothing is written to the disk, and what
   * pods refer to is read with a minute's delay. Use with the simulated runtime.
   */
  simulated?: { capacity?: Record<string, string> }

  // Shared by many agents of one process; each makes its own if these are absent.
  informers?: InformerSet
  pods?: PodSource
  objects?: ReferencedObjects
  pulse?: Pulse
  events?: EventRecorder
  /** PEM, told in metrics: the node's own, of its server and for its calls to the API. */
  certificates?: () => { server: string; client: string }
  /** What it counts; its own unless given. A simulated node counts nothing unless given one: there may be thousands. */
  metrics?: AgentMetrics
  /** The server that answers for this node: logs, exec, metrics. Absent: nobody does. */
  server?: AgentServer

  /** Sandboxes and containers started at once; 32 unless said otherwise. */
  parallelStarts?: number
  /** Images pulled at once; 5 unless said otherwise. */
  parallelPulls?: number
  /** How often a registry is asked for an image; as often as need be unless said otherwise. */
  pullRate?: Rate
  /** How often an event is written; as often as need be unless said otherwise. */
  eventRate?: Rate
  /** No wait between a crash of a container and its restart is longer: 1 000 to 300 000, and that unless said otherwise. */
  mostCrashDelayMs?: number
  /** How many images the node's status lists, the largest; 50 unless said otherwise, -1: all. */
  shownImages?: number
  /** What the node itself shows to registries, besides the pull secrets of pods; nothing unless said otherwise. */
  imageCredentials?: NodeCredentials
  /** Nodes give each other images whose registry cannot be reached, known to each other by these keys; they do not unless said otherwise. */
  imagePeers?: () => PeerKeys
  /** How often the runtime is looked over although it reported nothing; 60 000 ms unless said otherwise. */
  relistMs?: number
  /** `static`: containers of Guaranteed pods that ask for whole processors have them for themselves. `none` unless said otherwise. */
  cpuManagerPolicy?: 'none' | 'static'
  /** With `static`: no two containers share a core, so only whole cores are given (kubelet's `full-pcpus-only`). */
  fullCoresOnly?: boolean
  /** With `static`: threads of different cores are given first (kubelet's `distribute-cpus-across-cores`). */
  spreadOverCores?: boolean
  /** With `static`: containers that share do not run on what is reserved either (kubelet's `strict-cpu-reservation`). */
  strictReservation?: boolean
  /** With `static`: the processors that no container has for itself; so many of the first as cpu is reserved unless said otherwise. */
  reservedCpus?: readonly number[]
  /** Containers of Guaranteed pods have their memory from as few NUMA nodes as will do; absent: from anywhere (kubelet's `None`). */
  memoryManager?: { reservedMemory: readonly ReservedMemory[] }
  /** What containers are given comes from NUMA nodes near to each other; absent: from anywhere. */
  topology?: TopologySettings
  /** Pods get control groups as kubelet gives them; absent: the runtime chooses theirs. Its driver must be `cgroupfs`. */
  cgroups?: CgroupSettings
  /** False: limits of processors do not hold, only requests do (kubelet's `cpuCFSQuota`). */
  cpuQuotas?: boolean
  /** Whether containers may be swapped out, where the kernel counts it; `NoSwap` unless said otherwise. */
  swapBehavior?: SwapBehavior
  /** The kernel may end one process of a container that is out of memory; all of them together unless said otherwise. */
  singleProcessOomKill?: boolean
  /** When the node runs short, and what it does then; upstream's hard thresholds unless said otherwise. */
  eviction?: EvictionSettings
  /** How pods end when the machine goes down; nothing is waited for unless said so. */
  shutdown?: { steps: readonly ShutdownStep[] }
  imageCollection?: {
    /** Percent of the disk above which images go; 85 unless said otherwise. */
    high?: number
    /** Down to this; 80 unless said otherwise. */
    low?: number
    /** One that was unused for less stays; 120 000 unless said otherwise. */
    minAgeMs?: number
    /** One that was unused for longer goes in any case; 0, and unless said otherwise: none does. */
    maxAgeMs?: number
  }
  /** Of each container's log. 10 MiB × 5 unless said otherwise. */
  logs?: {
    maxBytes?: number
    maxFiles?: number
    /** How often sizes are looked at; 10 000 unless said otherwise. */
    lookMs?: number
  }
}
