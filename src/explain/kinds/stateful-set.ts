import { PersistentVolumeClaim, Pod, Service, StatefulSet } from '../../models/kinds/index.ts'
import { isPodReady } from '../../models/pod-state.ts'
import type { Asking } from '../asking.ts'
import { type Explainer, type Finding, stops, waits } from '../explanation.ts'
import { autoscalerOf, scaledTo, unseen } from './replicas.ts'

export const statefulSet: Explainer<StatefulSet> = {
  kind: StatefulSet,
  summary: ({ spec, status }) => scaledTo(spec.replicas, status?.availableReplicas, 'available'),
  async findings(object, ask) {
    return [
      ...unseen(object),
      ...(await nextPod(object, ask)),
      ...(await names(object, ask)),
      ...updates(object),
      ...(await autoscalerOf(object, ask)),
    ]
  },
}

/** One after another: the first that is not ready holds up all after it. */
async function nextPod({ metadata, spec }: StatefulSet, ask: Asking): Promise<Finding[]> {
  const { namespace, name } = metadata
  const first = spec.ordinals?.start ?? 0
  for (let i = first; i < first + (spec.replicas ?? 1); i++) {
    const pod = await ask.get(Pod, { namespace: namespace!, name: `${name}-${i}` })
    if (pod === 'hidden') return []
    if (pod !== 'missing' && isPodReady(pod)) continue
    const after = first + (spec.replicas ?? 1) - 1 - i
    const ordered = spec.podManagementPolicy !== 'Parallel' && after > 0
    const held = ordered ? `; the ${after} after it wait for it (podManagementPolicy OrderedReady)` : ''
    const state = pod === 'missing' ? 'is not there' : 'is not ready'
    const why = pod === 'missing' ? undefined : `optiflow why pod/${name}-${i} -n ${namespace}`
    return [stops(`pod ${name}-${i} ${state}${held}`, why), ...(await claims(i))]
  }
  return []

  async function claims(ordinal: number): Promise<Finding[]> {
    const found: Finding[] = []
    for (const template of spec.volumeClaimTemplates ?? []) {
      const key = { namespace: namespace!, name: `${template.metadata?.name}-${name}-${ordinal}` }
      const claim = await ask.get(PersistentVolumeClaim, key)
      if (typeof claim === 'object' && claim.status?.phase !== 'Bound')
        found.push(
          stops(`its claim ${key.name} is ${claim.status?.phase}`, `optiflow why pvc/${key.name} -n ${namespace}`),
        )
    }
    return found
  }
}

async function names({ metadata, spec }: StatefulSet, ask: Asking): Promise<Finding[]> {
  if (!spec.serviceName) return []
  const service = await ask.get(Service, { namespace: metadata.namespace!, name: spec.serviceName })
  if (service !== 'missing') return []
  const text = `there is no Service ${spec.serviceName} (spec.serviceName): its pods have no names in DNS`
  return [stops(text, `Create a Service ${spec.serviceName} with clusterIP: None that selects the pods.`)]
}

function updates({ metadata, spec, status }: StatefulSet): Finding[] {
  if (!status?.updateRevision || status.updateRevision === status.currentRevision) return []
  const { type, rollingUpdate } = spec.updateStrategy ?? {}
  if (type === 'OnDelete')
    return [stops('spec.updateStrategy is OnDelete: a pod gets the new template when you delete it')]
  const partition = rollingUpdate?.partition ?? 0
  const updated = `${status.updatedReplicas ?? 0} of ${spec.replicas ?? 1} pods have the new template`
  if (!partition) return [waits(updated)]
  return [
    waits(
      `${updated}; those below ordinal ${partition} keep the old one (spec.updateStrategy.rollingUpdate.partition)`,
      `kubectl patch sts ${metadata.name} -p '{"spec":{"updateStrategy":{"rollingUpdate":{"partition":0}}}}' gives it to all`,
    ),
  ]
}
