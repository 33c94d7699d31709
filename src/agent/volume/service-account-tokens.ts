import type { Clock } from '../../base/clock.ts'
import type { Client } from '../../client/index.ts'
import { ServiceAccount } from '../../models/kinds/core/service-account.ts'
import type { TokenRequest } from '../../models/types/authentication-v1.ts'
import type { Pod, ServiceAccountTokenProjection } from '../../models/types/core-v1.ts'

/** Tokens that pods carry, bound to the pod, renewed before they end. */
export interface ServiceAccountTokens {
  tokenFor(pod: Pod, projection: ServiceAccountTokenProjection): Promise<string>
  /** Forgets the tokens of a pod that is gone. */
  forget(podUid: string): void
}

interface Token {
  text: string
  renewAtMs: number
  endsAtMs: number
}

const dayMs = 86_400_000

/** A token is renewed after 80 % of its life, or a day; while that fails the old one serves to its end. */
export function createServiceAccountTokens(client: Client, clock: Clock): ServiceAccountTokens {
  const tokens = new Map<string, Map<string, Token>>()
  return {
    async tokenFor(pod, { audience = '', expirationSeconds = 3600 }) {
      const uid = pod.metadata.uid!
      let own = tokens.get(uid)
      if (!own) tokens.set(uid, (own = new Map()))
      const id = `${audience}\0${expirationSeconds}`
      const known = own.get(id)
      const now = clock.now()
      if (known && now < known.renewAtMs) return known.text
      try {
        const name = pod.spec.serviceAccountName || 'default'
        const reply = await client.post<TokenRequest>(
          ServiceAccount,
          { namespace: pod.metadata.namespace!, name },
          'token',
          {
            apiVersion: 'authentication.k8s.io/v1',
            kind: 'TokenRequest',
            metadata: {},
            spec: {
              audiences: audience ? [audience] : [],
              expirationSeconds,
              boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod.metadata.name, uid },
            },
          },
        )
        const text = reply.status!.token
        const endsAtMs = Date.parse(reply.status!.expirationTimestamp)
        const lifeMs = Math.max(endsAtMs - now, 1_000)
        own.set(id, { text, endsAtMs, renewAtMs: now + Math.min(lifeMs * 0.8, dayMs) })
        return text
      } catch (error) {
        if (known && now < known.endsAtMs) return known.text
        throw error
      }
    },
    forget: uid => void tokens.delete(uid),
  }
}
