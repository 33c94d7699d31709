import type { Clock } from '../../base/clock.ts'
import type { Commands } from '../../base/commands.ts'
import type { Disk } from '../../base/disk.ts'
import type { AddressAnswer, AddressQuestion } from '../../models/address-question.ts'
import type { Pod } from '../../models/kinds/core/pod.ts'
import type { NodeNetworkReader } from '../../models/node-network.ts'
import type { ImageContents } from '../../runtime/image-contents.ts'
import type { ObservedPod, Runtime } from '../../runtime/runtime.ts'
import type { PodGroups } from '../cgroup/pod-groups.ts'
import type { AgentMetrics } from '../metrics/agent-metrics.ts'
import type { Machine } from '../node/machine.ts'
import type { ProbeTally } from '../probe/probe-tally.ts'
import type { VolumeUse } from '../volume/volume-use.ts'
import type { WorkedPod } from './pod-counts.ts'

/** What a server needs of one node to answer for it. */
export interface ServedNode {
  nodeName: string
  runtime: Runtime
  clock: Clock
  pods(): Pod[]
  /** What it is at with each of them. */
  workedPods(): WorkedPod[]
  /** How many records the API has of pods that are defined on the node itself. */
  mirrorPods(): number
  observed(podUid: string): ObservedPod | undefined
  startedAtMs: number
  /** Of pods' files and of their logs. */
  places: { folder: string; logFolder: string }
  commands: Commands
  probes: ProbeTally
  /** What it counts as it works. Absent: nothing (simulated). */
  metrics: AgentMetrics | undefined
  /** Control groups of its pods. Undefined: the runtime chooses them, or there are none. */
  groups(): PodGroups | undefined
  /** Of the agent: `v1.32.3-optiflow.…`. */
  version?: string | undefined
  /** Undefined until it was looked at. */
  machine(): Machine | undefined
  /** False: limits of processors do not hold. */
  cpuQuotas?: boolean | undefined
  /** How many processors containers have for themselves, and how many they still may have. Undefined: all share all. */
  cpuCounts?(): { exclusive: number; free: number } | undefined
  /** Wall time at which the runtime was last seen. */
  seenAtMs(): number
  /** PEM, of its server and of its calls to the API. */
  certificates?(): { server: string; client: string }
  /** What other nodes may have of its images. Absent: nothing. */
  images?: ImageContents | undefined
  /** Its settings, as a kubelet's. */
  configuration(): Record<string, unknown>
  /** How full the claimed volumes of a pod are. */
  volumeUses(pod: Pod): Promise<VolumeUse[]>
  /** What the node knows of its network. Absent: it has none (simulated). */
  network?: NodeNetworkReader
  /** Whether an address outside the cluster is well, as seen from here. Absent: a simulated node reaches nobody. */
  checkAddress?(question: AddressQuestion): Promise<AddressAnswer>
  /** Deletes the folder of a local volume that nobody claims any more. Nothing there is fine. */
  removeLocalVolume(name: string): Promise<void>
  /** Where what was written down of running containers goes. Absent: nowhere. */
  checkpointFolder?: string
  /** The machine's disk, whose logs are served; absent: the node has no machine. */
  disk?: Disk
}
