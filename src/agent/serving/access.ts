import type { Clock } from '../../base/clock.ts'
import type { Client } from '../../client/index.ts'
import { TokenReview } from '../../models/kinds/authentication/token-review.ts'
import { SubjectAccessReview } from '../../models/kinds/authorization/subject-access-review.ts'
import type { UserInfo } from '../../models/rest.ts'

/** Who asks the agent's server, and whether he may. Nobody is served anonymously. */
export interface Access {
  /** @returns undefined: not known */
  identify(
    certificate: { commonName: string; organizations: string[] } | undefined,
    authorization: string | undefined,
  ): Promise<UserInfo | undefined>
  allows(user: UserInfo, question: AccessQuestion): Promise<boolean>
}

export interface AccessQuestion {
  nodeName: string
  verb: 'get' | 'create' | 'delete'
  /** Of nodes: what the path is about. */
  subresource: 'proxy' | 'stats' | 'metrics' | 'log' | 'checkpoint'
}

const rememberedMs = 10_000
const remembered = 1_000

/** Certificates are checked by TLS; tokens and rights by asking the API server, whose answers hold for ten seconds. */
export function delegatedAccess(client: Client, clock: Clock): Access {
  const answers = new Map<string, { atMs: number; value: Promise<any> }>()
  function cached<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const known = answers.get(key)
    if (known && clock.monotonicMs() - known.atMs < rememberedMs) return known.value
    const value = ask()
    answers.delete(key)
    answers.set(key, { atMs: clock.monotonicMs(), value })
    value.catch(() => answers.delete(key))
    if (answers.size > remembered) answers.delete(answers.keys().next().value!)
    return value
  }
  return {
    async identify(certificate, authorization) {
      if (certificate?.commonName)
        return {
          username: certificate.commonName,
          groups: [...certificate.organizations, 'system:authenticated'],
        }
      const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
      if (!token) return undefined
      return cached(`token ${token}`, async () => {
        const review = await client.create<TokenReview>(TokenReview, { metadata: {}, spec: { token } })
        const { authenticated, user } = review.status ?? {}
        return authenticated && user?.username ? { username: user.username, groups: user.groups ?? [] } : undefined
      })
    },
    async allows({ username, groups }, { nodeName, verb, subresource }) {
      if (groups.includes('system:masters')) return true
      return cached(JSON.stringify([username, groups, nodeName, verb, subresource]), async () => {
        const review = await client.create<SubjectAccessReview>(SubjectAccessReview, {
          metadata: {},
          spec: {
            user: username,
            groups,
            resourceAttributes: { resource: 'nodes', subresource, verb, name: nodeName, version: 'v1' },
          },
        })
        return review.status?.allowed === true
      })
    },
  }
}
