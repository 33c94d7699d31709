import type { Reconciler, World } from '../client/reconciler.ts'
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../models/api-error.ts'
import { ConfigMap, Namespace, ServiceAccount } from '../models/kinds/index.ts'
import { keyOf } from '../models/object.ts'
import { type RootCertificate, renewals, rootCertificate } from './root-certificate.ts'

/** Every namespace has these ServiceAccounts; `default` unless given. */
export function serviceAccountReconciler(options: { names?: string[] } = {}): Reconciler {
  const names = options.names ?? ['default']
  return {
    name: 'service-account',
    primary: Namespace,
    watches: [
      {
        kind: ServiceAccount,
        keys: ({ metadata }: ServiceAccount) => (names.includes(metadata.name) ? [{ name: metadata.namespace! }] : []),
      },
    ],
    writes: [{ kind: ServiceAccount, part: 'owned' }],
    async reconcile({ name: namespace }, world) {
      if (!isActive(world, namespace)) return
      for (const name of names) {
        if (world.cache.get(ServiceAccount, { namespace, name })) continue
        await createOnce(() => world.client.create(ServiceAccount, { metadata: { namespace, name } }))
      }
    },
  }
}

const rootCaName = 'kube-root-ca.crt'

/** Every namespace has the cluster's root certificate, which pods trust the API server by. @param options.certificate PEM */
export function rootCaReconciler(options: { certificate: string | RootCertificate }): Reconciler {
  const certificate = rootCertificate(options.certificate)
  const annotations = {
    'kubernetes.io/description':
      'The certificate by which pods of this cluster know its API server. Kept by the control plane.',
  }
  return {
    name: 'root-ca',
    primary: Namespace,
    watches: [
      {
        kind: ConfigMap,
        keys: ({ metadata }: ConfigMap) => (metadata.name === rootCaName ? [{ name: metadata.namespace! }] : []),
      },
    ],
    sources: renewals(certificate, cache => cache.list(Namespace).map(keyOf)),
    writes: [{ kind: ConfigMap, part: 'owned' }],
    async reconcile({ name: namespace }, world) {
      if (!isActive(world, namespace)) return
      const { cache, client } = world
      const data = { 'ca.crt': certificate.current() }
      const known = cache.get(ConfigMap, { namespace, name: rootCaName })
      if (!known) {
        const draft = { metadata: { namespace, name: rootCaName, annotations }, data }
        await createOnce(() => client.create(ConfigMap, draft))
        return
      }
      const same = Object.keys(known.data ?? {}).length === 1 && known.data?.['ca.crt'] === data['ca.crt']
      if (same && known.metadata.annotations?.['kubernetes.io/description']) return
      const metadata = { ...known.metadata, annotations: { ...known.metadata.annotations, ...annotations } }
      try {
        await client.update(ConfigMap, { ...known, metadata, data })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  }
}

function isActive({ cache }: World, name: string): boolean {
  const namespace = cache.get(Namespace, { name })
  return !!namespace && !namespace.metadata.deletionTimestamp && namespace.status?.phase !== 'Terminating'
}

async function createOnce(create: () => Promise<unknown>): Promise<void> {
  try {
    await create()
  } catch (error) {
    if (!isAlreadyExists(error) && !isNotFound(error) && !isNamespaceTerminating(error)) throw error
  }
}
