import type { Pod } from '../../models/types/core-v1.ts'
import type { ContainerSpec, Mount } from '../../runtime/runtime.ts'
import type { PodFacts } from '../pod/downward.ts'
import type { PodContainer } from '../pod/records.ts'
import type { StepFailed } from '../pod/step-failed.ts'
import type { VolumeUse } from './volume-use.ts'

/** The volumes of a node's pods. */
export interface Volumes extends AsyncDisposable {
  /**
   * Makes every volume of the pod ready; again for one that is ready is cheap.
   * @returns by name those whose image could not be had, and why: only containers that mount them wait for them
   * @throws MountFailed; the signal's reason
   */
  setUp(facts: PodFacts, signal: AbortSignal): Promise<ReadonlyMap<string, StepFailed>>
  /** Names of the pod's volumes that are being made ready. */
  waitedFor?(podUid: string): string[]
  /** What of them the container sees. @param expandEnv replaces `$(NAME)` in subPathExpr. @throws ContainerConfigInvalid */
  mounts(pod: Pod, container: PodContainer, expandEnv: (text: string) => string): Promise<Mount[]>
  /** Volumes that the container gets as bare devices. @throws ContainerConfigInvalid */
  devices(pod: Pod, container: PodContainer): NonNullable<ContainerSpec['devices']>
  /** The pod's labels or such changed: files that show them are written anew. Never rejects. */
  refresh(facts: PodFacts): Promise<void>
  /** How full the claimed volumes of a pod are that is set up here. */
  uses(pod: Pod): Promise<VolumeUse[]>
  /** Takes everything away, the pod's folder included. Nothing there is fine. */
  tearDown(podUid: string): Promise<void>
  /** Pods of which something is left on the disk. */
  left(): Promise<string[]>
}
