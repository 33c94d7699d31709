import type { Client } from '../../../client/index.ts'
import { Node } from '../../../models/kinds/index.ts'
import { networkLabel } from '../../../models/node-network.ts'
import type { Node as NodeObject } from '../../../models/types/core-v1.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** Groups and kinds of the API that Calico's manifests and programs use. */
const needed = [
  ['/apis/apiextensions.k8s.io/v1', 'customresourcedefinitions'],
  ['/apis/apps/v1', 'daemonsets'],
  ['/apis/policy/v1', 'poddisruptionbudgets'],
  ['/apis/discovery.k8s.io/v1', 'endpointslices'],
  ['/apis/networking.k8s.io/v1', 'networkpolicies'],
  ['/api/v1', 'serviceaccounts/token'],
] as const

/** Whether the API has what Calico asks of it, and whether the nodes leave their pods' network to it. */
export async function checkCluster(client: Client): Promise<Finding[]> {
  const lacking: string[] = []
  for (const [path, resource] of needed) {
    const { status, body } = await client.raw('GET', path)
    const served = status === 200 ? JSON.parse(Buffer.from(body as Uint8Array).toString()).resources : []
    if (!served.some((r: { name: string }) => r.name === resource)) lacking.push(`${resource} of ${path}`)
  }
  const api = lacking.length
    ? fail('API', `it does not serve ${lacking.join(', ')}`, 'Bring the API server up to Kubernetes 1.30 or later.')
    : ok('API', 'it serves all that Calico asks for')
  const { items } = await client.list(Node)
  return [api, ...nodeFindings(items)]
}

/** Pure. */
export function nodeFindings(nodes: readonly NodeObject[]): Finding[] {
  if (!nodes.length) return [warn('nodes', 'there is no node yet', 'Start one: optiflow agent --network cni …')]
  const ours = nodes.filter(n => n.metadata.labels?.[networkLabel] === 'builtin').map(n => n.metadata.name)
  if (!ours.length) return [ok('nodes', `none of ${nodes.length} runs its pods in the built-in network`)]
  return [
    fail(
      'nodes',
      `${ours.join(', ')} ${ours.length === 1 ? 'runs its' : 'run their'} pods in the built-in network`,
      'Start them again with --network cni; running pods stay where they are until they are made anew.',
    ),
  ]
}
