import { textToBase64 } from '../base/base64.ts'
import type { CacheIndex, Reconciler, World } from '../client/reconciler.ts'
import { isConflict, isNotFound } from '../models/api-error.ts'
import { Secret, ServiceAccount, type TokenRequest } from '../models/kinds/index.ts'
import { keyOf, keyText } from '../models/object.ts'
import { type RootCertificate, renewals, rootCertificate } from './root-certificate.ts'

const type = 'kubernetes.io/service-account-token'
const nameAnnotation = 'kubernetes.io/service-account.name'
const uidAnnotation = 'kubernetes.io/service-account.uid'
/** As long as the API issues any; the token ends with its Secret. */
const seconds = 2 ** 32

/**
 * Fills Secrets that ask for a token of a ServiceAccount, as programs that are older than short-lived tokens want them,
 * and removes them with their account. @param options.certificate PEM of the API's authority
 */
export function serviceAccountTokenReconciler(options: { certificate: string | RootCertificate }): Reconciler {
  const certificate = rootCertificate(options.certificate)
  return {
    name: 'service-account-token',
    primary: Secret,
    watches: [
      {
        kind: ServiceAccount,
        keys: (account: ServiceAccount, cache) => cache.byIndex(secretsByAccount, keyText(keyOf(account))).map(keyOf),
      },
    ],
    sources: renewals(certificate, cache =>
      cache
        .list(Secret)
        .filter(secret => secret.type === type)
        .map(keyOf),
    ),
    writes: [
      { kind: Secret, part: 'owned' },
      { kind: ServiceAccount, part: 'owned' },
    ],
    async reconcile(key, world) {
      const secret = world.cache.get(Secret, key)
      if (!secret || secret.type !== type || secret.metadata.deletionTimestamp) return
      const account = await readAccount(world, key.namespace!, accountOf(secret))
      const said = secret.metadata.annotations?.[uidAnnotation]
      if (!account || (said && said !== account.metadata.uid)) return remove(world, secret)
      const authority = textToBase64(certificate.current())
      const complete =
        said && ['token', 'namespace'].every(name => secret.data?.[name]) && secret.data?.['ca.crt'] === authority
      if (!complete) await fill(world, secret, account, authority)
    },
  }
}

/** Secrets that ask for a token, by the `namespace/name` of the account. */
const secretsByAccount: CacheIndex<Secret> = {
  kind: Secret,
  name: 'service account',
  values: secret =>
    secret.type === type ? [keyText({ namespace: secret.metadata.namespace!, name: accountOf(secret) })] : [],
}

const accountOf = (secret: Secret) => secret.metadata.annotations?.[nameAnnotation] ?? ''

/** Live, because a Secret is deleted when there is none. */
async function readAccount({ client }: World, namespace: string, name: string): Promise<ServiceAccount | undefined> {
  if (!name) return undefined
  try {
    return await client.get(ServiceAccount, { namespace, name })
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function remove({ client }: World, secret: Secret): Promise<void> {
  try {
    await client.delete(Secret, keyOf(secret), { uid: secret.metadata.uid })
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error
  }
}

async function fill({ client }: World, secret: Secret, account: ServiceAccount, authority: string): Promise<void> {
  const { name, uid, namespace } = secret.metadata
  const boundObjectRef = { apiVersion: 'v1', kind: 'Secret', name, uid: uid! }
  const data = { ...secret.data }
  data['ca.crt'] = authority
  data['namespace'] ||= textToBase64(namespace!)
  try {
    if (!data['token']) {
      const request = {
        ...{ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', metadata: {} },
        spec: { audiences: [], expirationSeconds: seconds, boundObjectRef },
      }
      const issued = await client.post<TokenRequest>(ServiceAccount, keyOf(account), 'token', request)
      data['token'] = textToBase64(issued.status!.token)
    }
    const annotations = { ...secret.metadata.annotations, [uidAnnotation]: account.metadata.uid! }
    await client.update(Secret, { ...structuredClone(secret), metadata: { ...secret.metadata, annotations }, data })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}
