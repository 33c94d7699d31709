import { conditionOf } from '../../models/conditions.ts'
import { ageOf } from '../../models/duration.ts'
import { Lease, Node } from '../../models/kinds/index.ts'
import { type Explainer, type Finding, stops, unknown, waits, well } from '../explanation.ts'

const pressures = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable']

/** What its agent says of itself tells where to look. */
function remedyOf(message = ''): string | undefined {
  if (message.startsWith('container runtime is down'))
    return 'Its own containerd is started again by itself, within two minutes when it hangs; why it ended is in containerd/containerd.log of the node’s data folder. A runtime of yours: see its service.'
  if (message.startsWith('container runtime network not ready'))
    return 'On the node, see logs/ of its data folder for what its network says; with a network of yours, whether its pods run there.'
  return undefined
}

export const node: Explainer<Node> = {
  kind: Node,
  summary({ spec, status }) {
    const ready = conditionOf(status?.conditions, 'Ready')?.status === 'True'
    return `it is ${ready ? 'ready' : 'not ready'}${spec?.unschedulable ? ', and takes no new pods' : ''}`
  },
  async findings({ metadata, spec, status }, ask) {
    const found: Finding[] = []
    const ready = conditionOf(status?.conditions, 'Ready')
    if (!ready) found.push(waits('its agent has not said how it is yet'))
    else if (ready.status === 'False') found.push(stops(`${ready.reason}: ${ready.message}`, remedyOf(ready.message)))
    else if (ready.status === 'Unknown') {
      const lease = await ask.get(Lease, { namespace: 'kube-node-lease', name: metadata.name })
      const renewed = typeof lease === 'object' ? lease.spec?.renewTime : undefined
      const last = renewed ? `${ageOf(renewed, ask.nowMs)} ago` : 'never, as far as can be seen'
      found.push(
        stops(
          `nothing is heard of its agent; last: ${last}`,
          'On the node, see whether it runs and what it logs; then whether it reaches the API server.',
        ),
      )
    }
    for (const type of pressures) {
      const condition = conditionOf(status?.conditions, type)
      if (condition?.status === 'True') found.push(stops(`${type}: ${condition.message}`))
      else if (condition?.status === 'Unknown' && ready?.status !== 'Unknown')
        found.push(unknown(`${type} is not known`))
    }
    if (spec?.unschedulable)
      found.push(stops('spec.unschedulable is true (cordoned)', `kubectl uncordon ${metadata.name}`))
    const byPeople = (spec?.taints ?? []).filter(({ key }) => !key.startsWith('node.kubernetes.io/'))
    for (const { key, value, effect } of byPeople)
      found.push(
        well(
          `only pods that tolerate ${key}${value ? `=${value}` : ''}:${effect} ${effect === 'PreferNoSchedule' ? 'are glad to come' : 'come'}`,
        ),
      )
    return found
  },
}
