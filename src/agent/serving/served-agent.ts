import { join } from 'node:path'
import type { Pod } from '../../models/types/core-v1.ts'
import type { PodGroups } from '../cgroup/pod-groups.ts'
import { kubeletConfiguration } from '../node/kubelet-configuration.ts'
import type { Machine } from '../node/machine.ts'
import type { AgentOptions } from '../options.ts'
import type { ProbeTally } from '../probe/probe-tally.ts'
import type { RuntimeView } from '../runtime-view.ts'
import type { Shares } from '../topology/shares.ts'
import { removeLocalVolume } from '../volume/local-volumes.ts'
import type { Volumes } from '../volume/volumes.ts'
import { checkAddress } from './address-checks.ts'
import type { WorkedPod } from './pod-counts.ts'
import type { ServedNode } from './served-node.ts'

export interface ServedParts {
  view: RuntimeView
  probes: ProbeTally
  pods(): Pod[]
  workedPods(): WorkedPod[]
  mirrorPods(): number
  /** Undefined until the agent has started, or for good: see ServedNode. */
  groups(): PodGroups | undefined
  machine(): Machine | undefined
  shares(): Shares | undefined
  /** Undefined until the agent has started. */
  volumes(): Volumes | undefined
}

/** What a server says for an agent's node. A simulated one has no machine to speak of. */
export function servedAgent(options: AgentOptions, { view, volumes, shares, ...parts }: ServedParts): ServedNode {
  const { nodeName, runtime, clock, disk, net, folder, simulated, certificates, network } = options
  return {
    ...parts,
    nodeName,
    runtime,
    clock,
    metrics: options.metrics,
    version: options.version,
    cpuQuotas: options.cpuQuotas,
    observed: uid => view.get(uid),
    startedAtMs: clock.now(),
    places: { folder, logFolder: options.logFolder ?? join(folder, 'logs') },
    commands: options.commands,
    seenAtMs: () => clock.now() - (clock.monotonicMs() - view.seenAtMonoMs),
    cpuCounts: () => shares()?.cpus?.counts,
    configuration: () => kubeletConfiguration(options),
    volumeUses: async pod => (await volumes()?.uses(pod)) ?? [],
    removeLocalVolume: name => (simulated ? Promise.resolve() : removeLocalVolume(disk, folder, name)),
    ...(options.imagePeers ? { images: runtime.contents } : {}),
    ...(certificates ? { certificates } : {}),
    ...(network ? { network } : {}),
    ...(options.kubeletFolder ? { checkpointFolder: join(options.kubeletFolder, 'checkpoints') } : {}),
    ...(simulated ? {} : { disk, checkAddress: question => checkAddress(net, question) }),
  }
}
