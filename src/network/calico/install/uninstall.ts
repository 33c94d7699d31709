import { OptiFlowError } from '../../../base/errors.ts'
import type { Client } from '../../../client/index.ts'
import { CustomResourceDefinition, Pod } from '../../../models/kinds/index.ts'
import type { AnyObject } from '../../../models/object.ts'
import { calicoGroup } from '../kinds/calico-kind.ts'
import { calicoManager, ObjectWriter } from './apply-objects.ts'
import { type Progress, step, waitUntil } from './progress.ts'

export interface UninstallOptions {
  client: Client
  progress: Progress
  /** Definitions, and with them pools and policies, stay in the API. */
  keepData: boolean
  /** Go on although pods have addresses of Calico's: they are cut off. */
  force: boolean
  /** Takes out what Calico left on this machine; undefined: it is no node. */
  cleanHost: (() => Promise<string>) | undefined
}

/** Pods would be cut off; nothing was done. */
export class PodsInTheWay extends OptiFlowError {}

const namespace = 'kube-system'
const object = (apiVersion: string, kind: string, name: string, spaced = true) =>
  ({ apiVersion, kind, metadata: { name, ...(spaced ? { namespace } : {}) } }) as AnyObject
const accounts = ['calico-node', 'calico-kube-controllers', 'calico-cni-plugin']

const workloads = [
  object('apps/v1', 'Deployment', 'calico-typha'),
  object('apps/v1', 'Deployment', 'calico-kube-controllers'),
  object('apps/v1', 'DaemonSet', 'calico-node'),
]
const rest = [
  object('policy/v1', 'PodDisruptionBudget', 'calico-kube-controllers'),
  object('policy/v1', 'PodDisruptionBudget', 'calico-typha'),
  object('v1', 'Service', 'calico-typha'),
  object('v1', 'ConfigMap', 'kubernetes-services-endpoint'),
  object('v1', 'ConfigMap', 'calico-config'),
  object('v1', 'Secret', 'calico-etcd-secrets'),
  ...[...accounts, 'calico-tier-getter'].flatMap(name => [
    object('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', name, false),
    object('rbac.authorization.k8s.io/v1', 'ClusterRole', name, false),
  ]),
  ...accounts.map(name => object('v1', 'ServiceAccount', name)),
]

/**
 * Takes Calico out: programs, rights, what it left on this machine, and last its definitions. What is gone already is fine, so it
 * can be run again.
 * @throws PodsInTheWay
 */
export async function uninstall({ client, progress, keepData, force, cleanHost }: UninstallOptions): Promise<void> {
  const writer = new ObjectWriter(client)
  if (!force) await refuseWhilePods(client)
  const removeAll = async (objects: readonly AnyObject[]) => {
    let removed = 0
    for (const one of objects) if (await writer.delete(one)) removed++
    return removed
  }
  await step(progress, 'programs', async tell => {
    await removeAll(workloads)
    await waitUntil(progress, 'the end of its pods', () => podsLeft(client), tell)
    return [undefined, 'stopped']
  })
  await step(progress, 'this machine', async () => [undefined, cleanHost ? await cleanHost() : 'no node, left alone'])
  await step(progress, 'rights', async () => [undefined, `${await removeAll(rest)} objects deleted`])
  await step(progress, 'definitions', async tell => {
    if (keepData) return [undefined, 'kept, with pools and policies']
    const { items } = await client.list(CustomResourceDefinition)
    const own = items.filter(isOwn).map(d => d.metadata.name)
    const removed = await removeAll(
      own.map(name => object('apiextensions.k8s.io/v1', 'CustomResourceDefinition', name, false)),
    )
    await waitUntil(progress, 'their end', () => definitionsLeft(client), tell)
    return [undefined, `${removed} deleted, with all that was theirs`]
  })
}

/** Calico's own group, and what we wrote for it of another's. */
const isOwn = ({ metadata, spec }: CustomResourceDefinition): boolean =>
  spec.group === calicoGroup || (metadata.managedFields?.some(m => m.manager === calicoManager) ?? false)

async function refuseWhilePods(client: Client): Promise<void> {
  const { items } = await client.list(Pod)
  const held = items.filter(
    pod =>
      pod.metadata.annotations?.['cni.projectcalico.org/podIP'] &&
      !pod.metadata.labels?.['k8s-app']?.startsWith('calico'),
  )
  if (!held.length) return
  const names = held.slice(0, 5).map(pod => `${pod.metadata.namespace}/${pod.metadata.name}`)
  throw new PodsInTheWay(
    `${held.length} pods have addresses of Calico's and would be cut off: ${names.join(', ')}${held.length > 5 ? ', …' : ''}`,
    { hint: 'Drain the nodes first, or say --force.' },
  )
}

async function podsLeft(client: Client): Promise<string | undefined> {
  const { items } = await client.list(Pod, {
    namespace,
    labelSelector: 'k8s-app in (calico-node,calico-kube-controllers,calico-typha)',
  })
  return items.length ? `${items.length} pods still there` : undefined
}

async function definitionsLeft(client: Client): Promise<string | undefined> {
  const { items } = await client.list(CustomResourceDefinition)
  const left = items.filter(isOwn)
  return left.length ? `${left.length} still there, such as ${left[0]!.metadata.name}` : undefined
}
