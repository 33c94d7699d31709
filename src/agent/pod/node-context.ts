import type { Clock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import type { Net } from '../../base/net.ts'
import type { Random } from '../../base/random.ts'
import type { Client, EventRecorder } from '../../client/index.ts'
import type { LimitBandwidth } from '../../models/bandwidth.ts'
import type { OpenHostPorts } from '../../models/host-ports.ts'
import type { Pod, PodStatus, Service } from '../../models/types/core-v1.ts'
import type { Runtime } from '../../runtime/runtime.ts'
import type { PodGroups } from '../cgroup/pod-groups.ts'
import type { Devices } from '../device/devices.ts'
import type { DeviceClaims } from '../dra/device-claims.ts'
import type { Images } from '../image/images.ts'
import type { AgentMetrics } from '../metrics/agent-metrics.ts'
import type { HostMemory } from '../node/host-memory.ts'
import type { ReferencedObjects } from '../objects.ts'
import type { ProbeMoments } from '../probe/probe-moments.ts'
import type { ProbeTally } from '../probe/probe-tally.ts'
import type { RuntimeView } from '../runtime-view.ts'
import type { Semaphore } from '../semaphore.ts'
import type { Shares } from '../topology/shares.ts'
import type { Volumes } from '../volume/volumes.ts'
import type { DnsSettings } from './name-resolution.ts'
import type { ResizeVerdict } from './rejection.ts'

/** What every pod worker of one node shares. */
export interface NodeContext {
  nodeName: string
  client: Client
  runtime: Runtime
  view: RuntimeView
  images: Images
  volumes: Volumes
  /** Undefined: the node takes no device plugins. */
  devices: Devices | undefined
  /** Undefined: the node takes no DRA drivers. */
  claims: DeviceClaims | undefined
  objects: ReferencedObjects
  events: EventRecorder
  clock: Clock
  random: Random
  net: Net
  disk: Disk
  log: Logger
  /** False: a pod that says nothing of seccomp runs without bounds. */
  seccompDefault?: boolean
  /** False for simulated nodes: nothing is written to the disk. */
  files: boolean
  /** The agent's own folder; pods' files are in `pods/<uid>`. */
  folder: string
  logFolder: string
  /** Sandboxes and containers being started at once. */
  starts: Semaphore
  /** No wait between a crash and the restart is longer; 300 000 ms unless said otherwise. */
  mostCrashDelayMs: number | undefined
  /** Told of every probe. */
  tally: ProbeTally
  /** When probes are asked. */
  moments: ProbeMoments
  /** Undefined: nothing is counted. */
  metrics: AgentMetrics | undefined
  /** Undefined: the runtime chooses where pods' control groups are. */
  groups: PodGroups | undefined
  /** Undefined: whoever makes pods' networks does. */
  limitBandwidth: LimitBandwidth | undefined
  openHostPorts: OpenHostPorts | undefined
  /** Of what containers may have for themselves: processors, memory of some NUMA nodes. */
  shares(): Shares | undefined
  hostIps(): string[]
  /** Mounts inside read-only mounts can be read-only too, in pods without a RuntimeClass. */
  canRecurse(): boolean
  hostDns(): DnsSettings
  clusterDns: readonly string[]
  clusterDomain: string
  allocatable(): Record<string, string>
  memory: HostMemory
  /** False: limits of processors do not hold; they do unless said otherwise. */
  cpuQuotas?: boolean | undefined
  services(namespace: string): Service[]
  /** Why the pod does not get the resources that its definition now asks for; undefined: it does. */
  resizeProblem(pod: Pod): ResizeVerdict | undefined
  /** Hands a status to the writer; newest wins. */
  report(pod: Pod, status: PodStatus): void
  /** Deletes the pod's record in the API, once nothing of it is left. */
  forget(pod: Pod): Promise<void>
}
