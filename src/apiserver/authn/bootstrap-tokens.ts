import { timingSafeEqual } from 'node:crypto'
import {
  bootstrapTokenExpired,
  bootstrapTokenNamespace,
  bootstrapTokenType,
  secretText,
} from '../../models/bootstrap-token.ts'
import { Secret } from '../../models/kinds/index.ts'
import type { ApiRequest, UserInfo } from '../../models/rest.ts'
import type * as k8s from '../../models/types/core-v1.ts'
import type { Core } from '../core.ts'
import { type Authenticator, authenticated, bearerToken } from './authenticator.ts'

/** `id.secret`, the tokens of Secrets in kube-system by which nodes ask for their first certificate. */
export class BootstrapTokens implements Authenticator {
  readonly #core: Core

  constructor(core: Core) {
    this.#core = core
  }

  authenticate(request: ApiRequest): UserInfo | undefined {
    const found = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(bearerToken(request) ?? '')
    if (!found) return undefined
    const [, id, word] = found as unknown as [string, string, string]
    const { cache, resources, shared, clock } = this.#core
    const kept = cache.get(resources.of(Secret), bootstrapTokenNamespace, `bootstrap-token-${id}`)
    if (!kept) return undefined
    const secret = shared(kept) as unknown as k8s.Secret
    if (secret.type !== bootstrapTokenType || secret.metadata.deletionTimestamp) return undefined
    if (!sameText(secretText(secret, 'token-secret'), word) || secretText(secret, 'token-id') !== id) return undefined
    if (bootstrapTokenExpired(secret, clock.now())) return undefined
    if (secretText(secret, 'usage-bootstrap-authentication') !== 'true') return undefined
    const groups = groupsOf(secretText(secret, 'auth-extra-groups'))
    return groups && authenticated({ username: `system:bootstrap:${id}`, groups })
  }
}

/** Undefined when one of them is none that bootstrap tokens may give. */
function groupsOf(text: string): string[] | undefined {
  const more = text === '' ? [] : text.split(',')
  if (!more.every(group => /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/.test(group))) return undefined
  return ['system:bootstrappers', ...new Set(more)]
}

/** Takes as long whatever is wrong. */
function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
