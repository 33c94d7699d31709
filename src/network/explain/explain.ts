import type { Pod } from '../../models/kinds/index.ts'
import type { Direction } from '../../models/node-network.ts'
import { judgeByCalico } from './calico-policies.ts'
import {
  type Connection,
  type ConnectionExplanation,
  isOnHost,
  type PolicyWorld,
  type SideVerdict,
} from './connection.ts'
import { judge, policiesAbout } from './kubernetes-policies.ts'

/** Which policies and rules decide about a connection: first whether it may leave, then whether it may come in. Pure. */
export function explainConnection(world: PolicyWorld, connection: Connection): ConnectionExplanation {
  const { from, to, port, protocol } = connection
  const sides = (['egress', 'ingress'] as const).map(direction => sideOf(world, connection, direction))
  return {
    from: from.name,
    to: to.name,
    port,
    protocol,
    allowed: sides.every(side => side.allowed),
    enforcedBy: world.enforcedBy,
    sides,
  }
}

function sideOf(world: PolicyWorld, connection: Connection, direction: Direction): SideVerdict {
  const { from, to } = connection
  const end = direction === 'egress' ? from : to
  const free = (reason: string): SideVerdict => ({ direction, allowed: true, reason, policies: [] })
  if (!end.pod) return free(`${end.name} is no pod: no policy is about it`)
  if (isOnHost(end)) return free(`${end.name} is in the network of its node: no policy is about it`)
  if (from.pod && from.pod.metadata.uid === to.pod?.metadata.uid) return free('a pod always reaches itself')
  if (direction === 'ingress' && isOnHost(from) && from.pod?.spec.nodeName === end.pod.spec.nodeName)
    return free('a node always reaches its own pods')
  return world.calico
    ? judgeByCalico(world, connection, end.pod, direction)
    : judgeByKubernetes(world, connection, end.pod, direction)
}

/** As NetworkPolicy says it: whoever some policy is about may do what one of those policies allows, and nothing else. */
function judgeByKubernetes(world: PolicyWorld, connection: Connection, pod: Pod, direction: Direction): SideVerdict {
  const policies = policiesAbout(world, pod, direction).map(policy => judge(world, policy, connection, direction))
  const allowing = policies.find(p => p.verdict === 'allows')
  const allowed = policies.length === 0 || allowing !== undefined
  const reason = allowing
    ? `${allowing.policy} allows it (${allowing.rule})`
    : policies.length
      ? `${policies.length === 1 ? 'the policy that is' : `${policies.length} policies that are`} about this pod allow${policies.length === 1 ? 's' : ''} other things only`
      : 'no policy is about this pod'
  return { direction, allowed, reason, policies }
}
