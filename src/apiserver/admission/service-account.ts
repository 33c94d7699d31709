import { deepFreeze } from '../../base/frozen.ts'
import { nameSuffix, seededRandom } from '../../base/random.ts'
import { type ApiError, isAlreadyExists } from '../../models/api-error.ts'
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
  mutate(admission) {
    if (admission.operation !== 'CREATE') return undefined
    const pod = admission.object!
    const spec = (pod['spec'] ??= {})
    // Mirror pods are what a node runs on its own account.
    if (isMirror(pod)) return undefined
    spec.serviceAccountName ||= spec.serviceAccount || 'default'
    spec.serviceAccount = spec.serviceAccountName
    const account = findAccount(admission, spec.serviceAccountName)
    return account instanceof Promise ? account.then(made => giveAccount(spec, made)) : giveAccount(spec, account)
  },
  validate(admission) {
    const pod = admission.object!
    if (admission.operation === 'CREATE' && isMirror(pod)) return checkMirror(admission)
    const name: string = pod['spec'].serviceAccountName ?? ''
    if (!name)
      throw forbidden(admission, `no service account specified for pod ${admission.namespace}/${pod.metadata.name}`)
    const account = findAccount(admission, name)
    return account instanceof Promise
      ? account.then(made => checkMountable(admission, made))
      : checkMountable(admission, account)
  },
}

function giveAccount(spec: AnyObject['spec'], account: AnyObject): void {
  if ((spec.automountServiceAccountToken ?? account['automountServiceAccountToken'] ?? true) === true) mountToken(spec)
  if (!spec.imagePullSecrets?.length && account['imagePullSecrets']?.length)
    spec.imagePullSecrets = account['imagePullSecrets'].map((secret: object) => ({ ...secret }))
}

function checkMountable(admission: Admission, account: AnyObject): void {
  if (!/^(1|t|true)$/i.test(account.metadata.annotations?.['kubernetes.io/enforce-mountable-secrets'] ?? '')) return
  const why = unmountable(account, admission.object!, admission.operation === 'CREATE')
  if (why) throw forbidden(admission, why)
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

function findAccount(admission: Admission, name: string): AnyObject | Promise<AnyObject> {
  const { core, namespace } = admission
  const kept = core.cache.get(core.resources.of(ServiceAccount), namespace, name)
  if (kept) return core.shared(kept)
  if (name === 'default') return makeDefaultAccount(admission)
  throw noAccount(admission, name)
}

async function makeDefaultAccount(admission: Admission): Promise<AnyObject> {
  const { core, namespace, user, dryRun } = admission
  const accounts = core.resources.of(ServiceAccount)
  const name = 'default'
  const metadata = { name, namespace } as AnyObject['metadata']
  const account = { kind: 'ServiceAccount', apiVersion: 'v1', metadata }
  try {
    return core.shared(await createObject(core, accounts, account, { user, dryRun, warnings: [] }))
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const kept = core.cache.get(accounts, namespace, name)
    if (!kept) throw noAccount(admission, name)
    return core.shared(kept)
  }
}

function noAccount(admission: Admission, name: string): ApiError {
  const what = `service account ${admission.namespace}/${name}: serviceaccount ${JSON.stringify(name)}`
  return forbidden(admission, `error looking up ${what} not found`)
}

interface Container {
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[]
}

function mountToken(spec: Record<string, any>): void {
  const containers: Container[] = [...(spec['initContainers'] ?? []), ...(spec['containers'] ?? [])]
  const lacking = containers.filter(c => !c.volumeMounts?.some(m => m.mountPath === mountPath))
  if (lacking.length === 0) return
  // A pod made from what another one was shown as brings its volume along.
  const brought = spec['volumes']?.find((volume: { name: string }) => volume.name.startsWith(volumePrefix))?.name
  const name = brought ?? usualName
  for (const container of lacking)
    container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }]
  if (!brought) spec['volumes'] = [...(spec['volumes'] ?? []), { name, projected: token }]
}

const volumePrefix = 'kube-api-access-'

/** With one name for all, pods of one template own the same fields, which are worked out, written and kept in memory once. */
const usualName = volumePrefix + nameSuffix(seededRandom(0))

/** The same for every pod: made once, and kept once. */
const token = deepFreeze({
  defaultMode: 0o644,
  sources: [
    { serviceAccountToken: { expirationSeconds: tokenSeconds, path: 'token' } },
    { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
    {
      downwardAPI: {
        items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
      },
    },
  ],
})
