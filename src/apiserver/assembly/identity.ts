import { strangersOnlyAt } from '../authn/anonymous-requests.ts'
import type { Authenticator } from '../authn/authenticator.ts'
import { BootstrapTokens } from '../authn/bootstrap-tokens.ts'
import { ChosenIssuers } from '../authn/chosen-issuers.ts'
import { ClientCertificates } from '../authn/client-certificates.ts'
import { FrontProxy } from '../authn/front-proxy.ts'
import { OidcTokens } from '../authn/oidc-tokens.ts'
import { ServiceAccountTokens } from '../authn/service-account-tokens.ts'
import { StaticTokens } from '../authn/static-tokens.ts'
import type { Core } from '../core.ts'
import type { AccessMetrics } from '../metrics/access-metrics.ts'
import type { ApiServerOptions, Outside } from './options.ts'

/** Everything by which a request tells who sends it. */
export interface Identity {
  /** In the order in which they are asked. */
  authenticators: Authenticator[]
  /** Issues and checks the tokens of service accounts; undefined: there are none. */
  tokens: ServiceAccountTokens | undefined
  issuers: ChosenIssuers
}

/** Proxies that speak for others first: their own certificate would count as the user's. */
export function identityOf(
  core: Core,
  options: ApiServerOptions,
  { clock, net, log }: Outside,
  access: AccessMetrics,
): Identity {
  const { frontProxy, tokenKeys, oidc } = options
  const { tokenIssuers: named, tokenKeysUrl: keysUrl, apiAudiences: audiences } = options
  const tokens = tokenKeys && new ServiceAccountTokens(core, tokenKeys, { issuers: named, keysUrl, audiences })
  const issuers = new ChosenIssuers(options.issuers ?? [], { net, clock, log })
  const authenticators = [
    ...(frontProxy ? [new FrontProxy(frontProxy.allowedNames, () => clock.now())] : []),
    new ClientCertificates(
      () => clock.now(),
      remainingMs => access.certified(remainingMs),
    ),
    new StaticTokens(options.tokens ?? {}),
    ...(tokens ? [tokens] : []),
    new BootstrapTokens(core),
    ...(oidc ? [new OidcTokens(oidc, { net, clock, log })] : []),
    issuers,
    ...(options.authenticators ?? []),
    ...(options.strangersAt ? [strangersOnlyAt(options.strangersAt)] : []),
  ]
  return { authenticators, tokens, issuers }
}
