import { conditionOf } from '../../conditions.ts'
import type { Column } from '../../kind.ts'
import type { Node } from '../../types/core-v1.ts'
import { age, text } from '../columns.ts'

const rolePrefix = 'node-role.kubernetes.io/'

/** The roles that a node's labels claim, sorted. */
export function nodeRoles(node: Node): string[] {
  const roles = new Set<string>()
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    const role = key.startsWith(rolePrefix) ? key.slice(rolePrefix.length) : key === 'kubernetes.io/role' ? value : ''
    if (role) roles.add(role)
  }
  return [...roles].sort()
}

function statusText(node: Node): string {
  const ready = conditionOf(node.status?.conditions, 'Ready')
  const word = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'
  return node.spec.unschedulable ? `${word},SchedulingDisabled` : word
}

const address = (node: Node, type: string) => node.status?.addresses?.find(a => a.type === type)?.address ?? '<none>'

export const nodeColumns: Column<Node>[] = [
  text('Status', statusText),
  text('Roles', node => nodeRoles(node).join(',') || '<none>'),
  age,
  text('Version', node => node.status?.nodeInfo?.kubeletVersion ?? ''),
  text('Internal-IP', node => address(node, 'InternalIP'), 'wide'),
  text('External-IP', node => address(node, 'ExternalIP'), 'wide'),
  text('OS-Image', node => node.status?.nodeInfo?.osImage || '<unknown>', 'wide'),
  text('Kernel-Version', node => node.status?.nodeInfo?.kernelVersion || '<unknown>', 'wide'),
  text('Container-Runtime', node => node.status?.nodeInfo?.containerRuntimeVersion || '<unknown>', 'wide'),
]
