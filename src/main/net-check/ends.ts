import { conditionOf } from '../../models/conditions.ts'
import type { Node, Pod } from '../../models/kinds/index.ts'
import type { End } from '../../network/index.ts'
import { type Stage, stage } from './stage.ts'

/** Whether a pod is where it can send and get packets. Pure. */
export function podStage(title: string, { name, pod, ip }: End, nodes: readonly Node[]): Stage {
  if (!pod) return stage(title, 'ok', `${name}, which is no pod`)
  const { nodeName } = pod.spec
  const own = pod.metadata.name
  const why = `Ask "optiflow why pod/${own} -n ${pod.metadata.namespace}", or "optiflow describe pod ${own}".`
  if (!nodeName) return stage(title, 'broken', `${name} is on no node`, { act: why })
  const phase = pod.status?.phase ?? 'Pending'
  if (phase === 'Succeeded' || phase === 'Failed')
    return stage(title, 'broken', `${name} has ended (${phase})`, { act: 'Start it anew.' })
  if (!ip) return stage(title, 'broken', `${name} has no address yet (${phase})`, { act: why })
  const where = `${name}, ${ip}${pod.spec.hostNetwork ? ' of its node' : ''} on ${nodeName}`
  const away = notReady(
    nodes.find(n => n.metadata.name === nodeName),
    nodeName,
  )
  return away
    ? stage(title, 'unknown', `${where}; ${away}`, { act: `See "optiflow describe node ${nodeName}".` })
    : stage(title, 'ok', where)
}

function notReady(node: Node | undefined, name: string): string | undefined {
  if (!node) return `there is no node ${name}`
  const ready = conditionOf(node.status?.conditions, 'Ready')
  return ready?.status === 'True'
    ? undefined
    : `${name} is not Ready: ${ready?.message || ready?.reason || 'it never said so'}`
}

/** Whether anybody said that a container listens there: a hint only, since nobody has to. Pure. */
export function listenerStage(pod: Pod, port: number, protocol: string): Stage {
  const containers = [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []).filter(c => c.restartPolicy === 'Always'),
  ]
  const declared = containers.flatMap(c => (c.ports ?? []).filter(p => (p.protocol ?? 'TCP') === protocol))
  const found = containers.find(c => c.ports?.some(p => p.containerPort === port && (p.protocol ?? 'TCP') === protocol))
  if (found) return stage('container', 'ok', `${found.name} names port ${port}/${protocol}`)
  if (!declared.length) return stage('container', 'ok', `none names its ports; ${port}/${protocol} may be open`)
  const others = declared.map(p => p.containerPort).join(', ')
  return stage('container', 'unknown', `none names port ${port}/${protocol}, they name ${others}`, {
    act: `See whether a program in ${pod.metadata.name} listens at ${port}.`,
  })
}

/** Whether a pod says that it is ready. Pure. */
export function readiness({ status }: Pod): string | undefined {
  const ready = conditionOf(status?.conditions, 'Ready')
  return ready?.status === 'True' ? undefined : ready?.message || ready?.reason
}
