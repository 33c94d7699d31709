import type { Pod } from '../../models/types/core-v1.ts'
import type { ObservedPod } from '../../runtime/runtime.ts'

/** Of a pod that runs here and is no longer known to the API: enough of it to end it. */
export function ghostOf(observed: ObservedPod): Pod {
  const sayings = observed.containers.map(c => Number(c.annotations['io.kubernetes.pod.terminationGracePeriod']))
  const grace = sayings.find(seconds => Number.isFinite(seconds)) ?? 30
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: observed.name, namespace: observed.namespace, uid: observed.uid },
    spec: {
      containers: [...new Set(observed.containers.map(c => c.name))].map(name => ({ name })),
      terminationGracePeriodSeconds: grace,
    },
  } as Pod
}
