import { nameSuffix, seededRandom } from '../../base/random.ts'
import { isAlreadyExists } from '../../models/api-error.ts'
import { Pod, ServiceAccount } from '../../models/kinds/index.ts'
import type { AnyObject } from '../../models/object.ts'
import { referencesOf } from '../authz/node/references.ts'
import { createObject } from '../objects/create-object.ts'
import { type Admission, type AdmissionPlugin, forbidden, isOf } from './chain.ts'
import { unmountable } from './mountable-secrets.ts'

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const tokenSeconds = 3607

/**
 * Gives a pod its service account and, unless it does not want it, the volume with token, CA and namespace. The account
 * `default` is made here if its controller has not come round to it: a pod must not fail for being quick.
 */
export const serviceAccount: AdmissionPlugin = {
  name: 'ServiceAccount',
  handles: (resource, operation, subresource) =>
    isOf(resource, Pod) &&
    (operation === 'CREATE' ? subresource === '' : operation === 'UPDATE' && subresource === 'ephemeralcontainers'),
  async mutate(admission) {
    if (admission.operation !== 'CREATE') return
    const pod = admission.object!
    const spec = (pod['spec'] ??= {})
    // Mirror pods are what a node runs on its own account.
    if (isMirror(pod)) return
    spec.serviceAccountName ||= spec.serviceAccount || 'default'
    spec.serviceAccount = spec.serviceAccountName
    const account = await findAccount(admission, spec.serviceAccountName)
    if ((spec.automountServiceAccountToken ?? account['automountServiceAccountToken'] ?? true) === true)
      mountToken(spec)
    if (!spec.imagePullSecrets?.length && account['imagePullSecrets']?.length)
      spec.imagePullSecrets = account['imagePullSecrets'].map((secret: object) => ({ ...secret }))
  },
  async validate(admission) {
    const pod = admission.object!
    if (admission.operation === 'CREATE' && isMirror(pod)) {
      checkMirror(admission)
      return
    }
    const name: string = pod['spec'].serviceAccountName ?? ''
    if (!name)
      throw forbidden(admission, `no service account specified for pod ${admission.namespace}/${pod.metadata.name}`)
    const account = await findAccount(admission, name)
    if (!/^(1|t|true)$/i.test(account.metadata.annotations?.['kubernetes.io/enforce-mountable-secrets'] ?? '')) return
    const why = unmountable(account, pod, admission.operation === 'CREATE')
    if (why) throw forbidden(admission, why)
  },
}

const isMirror = (pod: AnyObject) => pod.metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined

function checkMirror(admission: Admission): void {
  const pod = admission.object!
  if (pod['spec'].serviceAccountName) throw forbidden(admission, 'a mirror pod may not reference service accounts')
  if (referencesOf(pod).secrets.size) throw forbidden(admission, 'a mirror pod may not reference secrets')
  for (const volume of pod['spec'].volumes ?? [])
    for (const source of volume.projected?.sources ?? [])
      if (source.serviceAccountToken)
        throw forbidden(admission, 'a mirror pod may not use ServiceAccountToken volume projections')
}

async function findAccount(admission: Admission, name: string): Promise<AnyObject> {
  const { core, namespace } = admission
  const accounts = core.resources.of(ServiceAccount)
  let kept = core.cache.get(accounts, namespace, name)
  if (!kept && name === 'default') {
    const metadata = { name, namespace } as AnyObject['metadata']
    try {
      const options = { user: admission.user, dryRun: admission.dryRun, warnings: [] }
      kept = await createObject(core, accounts, { kind: 'ServiceAccount', apiVersion: 'v1', metadata }, options)
    } catch (error) {
      if (!isAlreadyExists(error)) throw error
      kept = core.cache.get(accounts, namespace, name)
    }
  }
  if (!kept)
    throw forbidden(
      admission,
      `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`,
    )
  return core.shared(kept)
}

interface Container {
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[]
}

function mountToken(spec: Record<string, any>): void {
  const containers: Container[] = [...(spec['initContainers'] ?? []), ...(spec['containers'] ?? [])]
  const lacking = containers.filter(c => !c.volumeMounts?.some(m => m.mountPath === mountPath))
  if (lacking.length === 0) return
  const name = volumeName(spec['volumes'] ?? [])
  for (const container of lacking)
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }]
  spec['volumes'] = [...(spec['volumes'] ?? []), { name, projected: { defaultMode: 0o644, sources: sources() } }]
}

/**
 * Different from the other volumes of the pod is enough. With one name for all, pods of one template own the same fields,
 * which are then worked out, written and kept in memory once.
 */
function volumeName(volumes: { name: string }[]): string {
  const taken = new Set(volumes.map(v => v.name))
  const random = seededRandom(0)
  for (;;) {
    const name = `kube-api-access-${nameSuffix(random)}`
    if (!taken.has(name)) return name
  }
}

function sources(): object[] {
  return [
    { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: {
        items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
      },
    },
  ]
}
