import type { EventRecorder } from '../../client/index.ts'
import type { Pod, PodStatus } from '../../models/types/core-v1.ts'

/** Events for containers that just began to wait for their next try. */
export function tellBackOff(events: EventRecorder, pod: Pod, before: PodStatus | undefined, after: PodStatus): void {
  const { name, namespace, uid } = pod.metadata
  const old = statusesOf(before)
  for (const now of statusesOf(after)) {
    const reason = now.state?.waiting?.reason
    if (reason !== 'CrashLoopBackOff' && reason !== 'ImagePullBackOff') continue
    const was = old.find(s => s.name === now.name)
    if (was?.state?.waiting?.reason === reason && was.restartCount === now.restartCount) continue
    if (reason === 'CrashLoopBackOff') {
      const message = `Back-off restarting failed container ${now.name} in pod ${name}_${namespace}(${uid})`
      events.warning(pod, 'BackOff', message)
    } else {
      // The image may be that of a volume.
      const [told] = /^Back-off pulling image "[^"]*"/.exec(now.state?.waiting?.message ?? '') ?? []
      events.normal(pod, 'BackOff', told ?? `Back-off pulling image "${now.image}"`)
      events.warning(pod, 'Failed', 'Error: ImagePullBackOff')
    }
  }
}

function statusesOf(status: PodStatus | undefined) {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
}
