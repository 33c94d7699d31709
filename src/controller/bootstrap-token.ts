import { createHmac } from 'node:crypto'
import { sameMeaning } from '../base/equality.ts'
import type { Reconciler } from '../client/reconciler.ts'
import { isConflict, isNotFound } from '../models/api-error.ts'
import {
  bootstrapTokenEndMs,
  bootstrapTokenExpired,
  bootstrapTokenNamespace,
  bootstrapTokenType,
  secretText,
} from '../models/bootstrap-token.ts'
import { ConfigMap, Secret } from '../models/kinds/index.ts'
import { keyOf } from '../models/object.ts'

const isToken = (secret: Secret) =>
  secret.metadata.namespace === bootstrapTokenNamespace && secret.type === bootstrapTokenType

/** Bootstrap tokens go when their time is over. */
export function tokenCleanerReconciler(): Reconciler {
  return {
    name: 'token-cleaner',
    primary: Secret,
    writes: [{ kind: Secret, part: 'owned' }],
    async reconcile(key, { cache, client, clock }) {
      const secret = cache.get(Secret, key)
      if (!secret || !isToken(secret)) return
      const leftMs = bootstrapTokenEndMs(secret) - clock.now()
      if (leftMs > 0) return leftMs === Number.POSITIVE_INFINITY ? undefined : { afterMs: leftMs }
      try {
        await client.delete(Secret, key, { uid: secret.metadata.uid })
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error
      }
    },
  }
}

const clusterInfo = { namespace: 'kube-public', name: 'cluster-info' }
const signaturePrefix = 'jws-kubeconfig-'

/**
 * Signs the kubeconfig in kube-public/cluster-info with each bootstrap token, so that whoever has a token knows that it
 * comes from the cluster the token is for.
 */
export function bootstrapSignerReconciler(): Reconciler {
  return {
    name: 'bootstrap-signer',
    primary: ConfigMap,
    watches: [{ kind: Secret, keys: (secret: Secret) => (isToken(secret) ? [clusterInfo] : []) }],
    writes: [{ kind: ConfigMap, part: 'owned' }],
    async reconcile({ namespace, name }, { cache, client, clock }) {
      if (namespace !== clusterInfo.namespace || name !== clusterInfo.name) return
      const known = cache.get(ConfigMap, clusterInfo)
      const content = known?.data?.['kubeconfig']
      if (!known || content === undefined) return
      const others = Object.entries(known.data!).filter(([key]) => !key.startsWith(signaturePrefix))
      const signatures = cache
        .list(Secret, bootstrapTokenNamespace)
        .filter(secret => isToken(secret) && signs(secret, clock.now()))
        .map(secret => {
          const id = secretText(secret, 'token-id')
          return [signaturePrefix + id, detachedSignature(content, id, secretText(secret, 'token-secret'))]
        })
      const data = Object.fromEntries([...others, ...signatures])
      if (sameMeaning(data, known.data)) return
      try {
        await client.update(ConfigMap, { ...structuredClone(known), data })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
  }
}

function signs(secret: Secret, nowMs: number): boolean {
  if (secret.metadata.deletionTimestamp || bootstrapTokenExpired(secret, nowMs)) return false
  if (secretText(secret, 'usage-bootstrap-signing') !== 'true' || !secretText(secret, 'token-secret')) return false
  return keyOf(secret).name === `bootstrap-token-${secretText(secret, 'token-id')}`
}

/** A JWS without its payload: `header..signature`. */
export function detachedSignature(content: string, id: string, word: string): string {
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', kid: id })).toString('base64url')
  const payload = Buffer.from(content).toString('base64url')
  return `${header}..${createHmac('sha256', word).update(`${header}.${payload}`).digest('base64url')}`
}
